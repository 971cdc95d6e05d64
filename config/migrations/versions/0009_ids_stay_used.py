"""Let SQLite never give the id of an item that was taken back or forgotten to another one, as PostgreSQL never does."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("staging_items", "staging_files")
MADE = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :table"
INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :table AND sql IS NOT NULL"


def upgrade() -> None:
    """Make both tables anew, because AUTOINCREMENT cannot be added to one; the files' refers to the items'."""
    if op.get_bind().dialect.name != "sqlite":
        return
    made = {table: _one(MADE, table) for table in TABLES}
    indexes = [row for table in TABLES for row in op.get_bind().execute(sa.text(INDEXES), {"table": table})]
    for name, _ in indexes:
        op.execute(f"DROP INDEX {name}")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    op.execute(_autoincrement(made["staging_items"]))
    op.execute(made["staging_files"])
    for table in TABLES:
        op.execute(f"INSERT INTO {table} SELECT * FROM old_{table}")  # noqa: S608  names of ours
    for table in reversed(TABLES):  # the files first: dropping the items would take the files along
        op.execute(f"DROP TABLE old_{table}")
    for _, sql in indexes:
        op.execute(sql)


def _one(query: str, table: str) -> str:
    return str(op.get_bind().execute(sa.text(query), {"table": table}).scalar_one())


def _autoincrement(made: str) -> str:
    plain, separate = "id INTEGER NOT NULL", "CONSTRAINT pk_staging_items PRIMARY KEY (id)"
    if made.count(plain) != 1 or made.count(separate) != 1:
        raise RuntimeError(f"staging_items is not as revision 0001 made it: {made}")
    changed = made.replace(plain, "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT").replace(separate, "")
    head, _, tail = changed.rpartition(")")
    return head.rstrip().rstrip(",").replace(", \n\t, ", ", ") + "\n)" + tail
