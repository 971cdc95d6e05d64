"""Alembic's entry: runs the revisions on the connection that config.database hands over, in its transaction."""

from alembic import context

from config.tables import whole_schema

# SQLite cannot alter columns in place; batch mode rebuilds the table instead.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=whole_schema(),
    render_as_batch=True,
    # On SQLite the job carrier's own tables stand beside ours.
    include_name=lambda name, kind, _parents: kind != "table" or name in whole_schema().tables,
    on_version_apply=context.config.attributes["applied"],
)
context.run_migrations()
