"""Add where items were published, and every file Greenroom put into a library."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "publications",
        sa.Column("item_id", ID, autoincrement=False, nullable=False),
        sa.Column("root_uuid", sa.Text(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("artist", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("published_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_publications"),
    )
    op.create_index("uq_publications_root_uuid_path", "publications", ["root_uuid", "path"], unique=True)
    op.create_index("ix_publications_artist", "publications", ["artist"])
    op.create_index("ix_publications_transfer_id", "publications", ["transfer_id"])
    op.create_table(
        "ledger",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("root_uuid", sa.Text(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("base", sa.Text(), nullable=True),
        sa.Column("item_id", ID, nullable=True),
        sa.Column("artist", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("transfer_id", sa.Text(), nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
    )
    op.create_index("uq_ledger_root_uuid_path", "ledger", ["root_uuid", "path"], unique=True)
    op.create_index("ix_ledger_item_id", "ledger", ["item_id"])
    op.create_index("ix_ledger_artist", "ledger", ["artist"])
