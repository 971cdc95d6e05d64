"""Let a cycle, and a daemon that waits, ask their questions without reading all that ever happened."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add indexes of when transfers changed, a root's items and runs' ends; let those of undos and answers fit."""
    undos = sa.text("undoes IS NOT NULL")
    op.drop_index("ix_transfers_undoes", "transfers")
    op.create_index("ix_transfers_undoes", "transfers", ["undoes"], sqlite_where=undos, postgresql_where=undos)
    op.create_index("ix_transfers_updated_at", "transfers", ["updated_at"])
    op.create_index("ix_staging_items_root_uuid", "staging_items", ["root_uuid"])
    ends = sa.text("kind IN ('run_finished', 'run_failed')")
    op.create_index("ix_events_ends", "events", ["id"], sqlite_where=ends, postgresql_where=ends)
    op.drop_index("ix_answers_stored_at", "answers")
    op.create_index("ix_answers_stored_at", "answers", ["stored_at", "key", "size"])
