"""Remember what verification made anew, too."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was found and what was made anew is listed by item."""
    op.add_column("checks", sa.Column("mended", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("checks", sa.Column("mended_count", sa.Integer(), nullable=False, server_default="0"))
    op.drop_index("ix_checks_findings_count", "checks")
    for count in ("findings_count", "mended_count"):
        op.create_index(f"ix_checks_{count}", "checks", [count, "item_id"])
