"""Keep the plans of dry runs, and who asked for a run."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and both columns, empty: nobody asked for earlier runs by name."""
    op.create_table(
        "run_plans",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("plan", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_plans_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", name="pk_run_plans"),
    )
    op.add_column("runs", sa.Column("asked_by", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("approves", sa.Text(), nullable=True))
    op.create_index("ix_runs_approves", "runs", ["approves"], unique=False)
