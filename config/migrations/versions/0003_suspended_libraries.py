"""Let a library be suspended, and remember the filesystem it was on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns; libraries there are not suspended, and their filesystem is learnt by the next cycle."""
    op.add_column("libraries", sa.Column("filesystem", sa.Text(), nullable=True))
    op.add_column("libraries", sa.Column("suspended", sa.Text(), nullable=True))
