"""Let transfers that wait for a person, and those of a run, be found without reading all that ever happened."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put an index of what is open or waits for a person in the place of one of what is open; add that of runs."""
    op.drop_index("ix_transfers_open", "transfers")
    unsettled = sa.text("state IN ('planned', 'materialised', 'published', 'attention')")
    op.create_index(
        "ix_transfers_unsettled", "transfers", ["state"], sqlite_where=unsettled, postgresql_where=unsettled
    )
    op.create_index("ix_transfers_run_id", "transfers", ["run_id"])
