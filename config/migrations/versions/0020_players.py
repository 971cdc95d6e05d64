"""Add players and what they are owed."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "players",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=True),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("path_map", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("heard_at", TIME, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_players"),
        sa.UniqueConstraint("name", name="uq_players_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "player_debts",
        sa.Column("id", ID, sa.Identity(always=False), nullable=False),
        sa.Column("player_id", ID, nullable=False),
        sa.Column("item_id", ID, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("folder", sa.LargeBinary(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("wanted_at", TIME, nullable=False),
        sa.Column("missed", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["player_id"], ["players.id"], name="fk_player_debts_player_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_player_debts"),
        sa.UniqueConstraint("player_id", "root", "folder", name="uq_player_debts_player_id_root_folder"),
        sqlite_autoincrement=True,
    )
