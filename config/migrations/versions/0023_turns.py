"""Remember who has the turn at a service, so that the next request can be timed from its answer."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("turns", sa.Column("holder", sa.Text(), nullable=True))
