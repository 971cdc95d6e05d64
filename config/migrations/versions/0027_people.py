"""Let what people did to albums be found among what Greenroom did by itself."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index the entries of the history that are somebody's."""
    people = sa.text("actor NOT IN ('chain', 'cycle', 'calendar', 'reconciler')")
    op.create_index("ix_item_history_people", "item_history", ["id"], sqlite_where=people, postgresql_where=people)
