"""Let the albums a run moved be found."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the entries of the history that are a run's."""
    of_runs = sa.text("run_id IS NOT NULL")
    op.create_index(
        "ix_item_history_runs", "item_history", ["run_id", "id"], sqlite_where=of_runs, postgresql_where=of_runs
    )
