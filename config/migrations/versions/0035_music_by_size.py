"""Let an album that comes again under another name be found by the sizes of its tracks."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add an index of the music of all items."""
    music = sa.text("role = 'audio'")
    op.create_index(
        "ix_staging_files_music", "staging_files", ["size", "item_id"], sqlite_where=music, postgresql_where=music
    )
