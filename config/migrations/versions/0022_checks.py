"""Remember when the files of each item were last read, and what was found."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "checks",
        sa.Column("item_id", ID, autoincrement=False, nullable=False),
        sa.Column("checked_at", TIME, nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("known", sa.JSON(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("findings_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_checks"),
    )
    op.create_index("ix_checks_checked_at", "checks", ["checked_at"])
    op.create_index("ix_checks_findings_count", "checks", ["findings_count"])
