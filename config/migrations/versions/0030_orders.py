"""Let the list of items be sorted by an index: by change, artist, album and year."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

BATCH = 1000


def upgrade() -> None:
    """Add what is sorted by, fill it in for the items there are, and index each order with what is filtered by."""
    op.add_column("staging_items", sa.Column("sort_album", sa.Text(), nullable=False, server_default=""))
    op.add_column("staging_items", sa.Column("sort_year", sa.Integer(), nullable=False, server_default="0"))
    connection, last = op.get_bind(), 0
    items = sa.table("staging_items", *(sa.column(name) for name in ("id", "album", "year", "sort_album", "sort_year")))
    change = (
        sa.update(items)
        .where(items.c.id == sa.bindparam("item"))
        .values(sort_album=sa.bindparam("name"), sort_year=sa.bindparam("number"))
    )
    while rows := connection.execute(sa.select(items).where(items.c.id > last).order_by(items.c.id).limit(BATCH)).all():
        said = [{"item": row.id, "name": _searchable(row.album or ""), "number": row.year or 0} for row in rows]
        connection.execute(change, said)
        last = rows[-1].id
    filters = ["id", "confidence", "warned"]
    for name, columns in (
        ("changed", ["updated_at", *filters, "search"]),
        ("artist", ["search", *filters]),
        ("album", ["sort_album", *filters, "search"]),
        ("year", ["sort_year", *filters, "search"]),
    ):
        op.create_index(f"ix_staging_items_{name}", "staging_items", ["status", *columns])


def _searchable(album: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", album) if not unicodedata.combining(c)).casefold()
    return plain.encode("utf-8", "ignore")[:600].decode("utf-8", "ignore").replace("\0", "")
