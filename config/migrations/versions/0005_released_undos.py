"""Let an undo remember that the album it took back may be taken again."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no undo was released before."""
    op.add_column("transfers", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
