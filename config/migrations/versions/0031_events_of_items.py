"""Let what happened to an item be found without reading what happened to all."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_events_item_id", "events", ["item_id"], unique=False)
