"""Let a transfer remember what its item was before, and which transfer it takes back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns; transfers made before have neither."""
    op.add_column("transfers", sa.Column("before", sa.JSON(), nullable=True))
    op.add_column("transfers", sa.Column("undoes", sa.Text(), nullable=True))
    op.create_index("ix_transfers_undoes", "transfers", ["undoes"], unique=False)
