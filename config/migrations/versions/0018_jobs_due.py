"""Let the most urgent job of one phase be found by an index, whether it was handed over or not."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put the index in the place of the one over all phases."""
    queued = sa.text("status = 'queued'")
    op.drop_index("ix_jobs_ready", "jobs")
    op.create_index(
        "ix_jobs_due", "jobs", ["phase", "priority", "not_before", "id"], sqlite_where=queued, postgresql_where=queued
    )
