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
    for name, count in (("found", "findings_count"), ("mended", "mended_count")):
        some = sa.text(f"{count} > 0")
        op.create_index(f"ix_checks_{name}", "checks", ["item_id"], sqlite_where=some, postgresql_where=some)
