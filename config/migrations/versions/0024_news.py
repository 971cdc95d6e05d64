"""Remember since when more is known of what is published than what is in its library."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("publications", sa.Column("news_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_publications_news_at", "publications", ["news_at"])
    op.execute(
        "UPDATE publications SET news_at = (SELECT e.changed_at FROM enrichments e"
        " WHERE e.item_id = publications.item_id AND e.changed_at > publications.updated_at)"
    )
    op.drop_column("enrichments", "changed_at")
