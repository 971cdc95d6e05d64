"""Let pictures be looked at again that were refused for a second one behind them, as phones take them (MPO)."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forget that refusal; what moves is refused for the same reason at the next look."""
    op.execute(sa.text("DELETE FROM pictures WHERE code = 'animated'"))
    op.execute(sa.text("UPDATE artwork_candidates SET code = NULL, message = NULL WHERE code = 'animated'"))
