"""Add what sources say of items and artists."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "artists",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("artist_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_artists"),
        sa.UniqueConstraint("key", name="uq_artists_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "artist_metadata",
        sa.Column("artist", ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["artist"], ["artists.id"], name="fk_artist_metadata_artist", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("artist", "source", name="pk_artist_metadata"),
    )
    op.create_table(
        "item_metadata",
        sa.Column("item_id", ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["staging_items.id"], name="fk_item_metadata_item_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item_id", "source", name="pk_item_metadata"),
    )
    op.create_table(
        "item_artists",
        sa.Column("item_id", ID, nullable=False),
        sa.Column("artist", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["artist"], ["artists.id"], name="fk_item_artists_artist"),
        sa.ForeignKeyConstraint(["item_id"], ["staging_items.id"], name="fk_item_artists_item_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("item_id", "artist", name="pk_item_artists"),
    )
    op.create_index("ix_item_artists_artist", "item_artists", ["artist"])
