"""Add pictures on offer, what was seen of them, and the cache of files with those who hold them."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
RELEASED = sa.text("released_at IS NOT NULL")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "pictures",
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.Column("looked_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("content", name="pk_pictures"),
    )
    op.create_table(
        "artwork_candidates",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("preview", sa.Text(), nullable=True),
        sa.Column("path", sa.LargeBinary(), nullable=True),
        sa.Column("embedded", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("votes", sa.Integer(), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("blob", sa.Text(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("parts", sa.JSON(), nullable=True),
        sa.Column("same_as", sa.BigInteger(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("is_owed", sa.Boolean(), nullable=False),
        sa.Column("offered_at", TIME, nullable=False),
        sa.Column("looked_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_artwork_candidates"),
        sa.UniqueConstraint(
            "subject", "type", "provider", "name", name="uq_artwork_candidates_subject_type_provider_name"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_artwork_candidates_content", "artwork_candidates", ["content"])
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", TIME, nullable=False),
        sa.Column("released_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_blobs"),
    )
    op.create_index("ix_blobs_released_at", "blobs", ["released_at"], sqlite_where=RELEASED, postgresql_where=RELEASED)
    op.create_table(
        "blob_holds",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["blobs.sha256"], name="fk_blob_holds_sha256"),
        sa.PrimaryKeyConstraint("sha256", "holder", name="pk_blob_holds"),
    )
    op.create_index("ix_blob_holds_holder", "blob_holds", ["holder"])
