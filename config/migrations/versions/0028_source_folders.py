"""Let a transfer remember how the folders were that it took files from."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of transfers before it nobody noted them."""
    op.add_column("transfers", sa.Column("source_folders", sa.JSON(), nullable=True))
