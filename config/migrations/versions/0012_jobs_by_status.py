"""Let the newest jobs of a status be found without sorting all of them."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_jobs_status_id", "jobs", ["status", "id"], unique=False)
