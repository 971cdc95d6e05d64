"""Let the journal count how long what a transfer put into the trash has lain there."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what lies in the trash already begins at nothing."""
    op.add_column("transfers", sa.Column("trash_seconds", sa.BigInteger(), nullable=True))
    op.add_column("transfers", sa.Column("trash_seen_at", sa.DateTime(timezone=True), nullable=True))
