"""Alembic's entry: runs the revisions on the connection that config.database hands over, in its transaction."""

from alembic import context

from config.tables import Base

# SQLite cannot alter columns in place; batch mode rebuilds the table instead.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
