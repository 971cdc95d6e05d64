"""Add what albums were compared with, what people chose, and which providers owe an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def _of_item(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["item_id"], ["staging_items.id"], name=f"fk_{table}_item_id", ondelete="CASCADE")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "enrichments",
        sa.Column("item_id", ID, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        _of_item("enrichments"),
        sa.PrimaryKeyConstraint("item_id", name="pk_enrichments"),
    )
    op.create_index("ix_enrichments_content", "enrichments", ["content"])
    op.create_index("ix_enrichments_at", "enrichments", ["at"])
    op.create_table(
        "release_candidates",
        sa.Column("item_id", ID, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("distance", sa.Double(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("tracks", sa.JSON(), nullable=False),
        sa.Column("doubts", sa.JSON(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("chosen_by", sa.Text(), nullable=True),
        _of_item("release_candidates"),
        sa.PrimaryKeyConstraint("item_id", "source", "release_id", name="pk_release_candidates"),
    )
    op.create_table(
        "release_choices",
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("content", name="pk_release_choices"),
    )
    op.create_table(
        "enrich_debts",
        sa.Column("item_id", ID, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try", TIME, nullable=False),
        _of_item("enrich_debts"),
        sa.PrimaryKeyConstraint("item_id", "provider", name="pk_enrich_debts"),
    )
    op.create_index("ix_enrich_debts_next_try", "enrich_debts", ["next_try"])
