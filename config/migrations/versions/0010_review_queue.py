"""Let the review queue be filtered and searched by an index."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BATCH = 1000


def upgrade() -> None:
    """Add what is filtered by, fill it in for the items there are, and index it."""
    op.add_column("staging_items", sa.Column("search", sa.Text(), nullable=False, server_default=""))
    op.add_column("staging_items", sa.Column("warned", sa.Boolean(), nullable=False, server_default=sa.false()))
    connection, last = op.get_bind(), 0
    items = sa.table(
        "staging_items",
        *(sa.column(name) for name in ("id", "album_artist", "album", "search")),
        sa.column("warnings", sa.JSON),
        sa.column("warned", sa.Boolean),
    )
    change = (
        sa.update(items)
        .where(items.c.id == sa.bindparam("item"))
        .values(search=sa.bindparam("search"), warned=sa.bindparam("warned"))
    )
    while True:
        query = sa.select(items).where(items.c.id > last).order_by(items.c.id).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            break
        said = [
            {"item": row.id, "search": _searchable(row.album_artist, row.album), "warned": bool(row.warnings)}
            for row in rows
        ]
        connection.execute(change, said)
        last = rows[-1].id
    queue = ["status", "id", "confidence", "warned", "search"]
    op.create_index("ix_staging_items_queue", "staging_items", queue, unique=False)
    op.drop_index("ix_staging_items_status", table_name="staging_items")


def _searchable(*texts: str | None) -> str:
    joined = unicodedata.normalize("NFKD", " ".join(text for text in texts if text))
    plain = "".join(c for c in joined if not unicodedata.combining(c)).casefold()
    return plain.encode("utf-8", "ignore")[:600].decode("utf-8", "ignore")
