"""Factorial and crossover designs, and units that are assigned by list."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    # Added in place, each with a default for the rows that exist (see 0003).
    op.add_column(
        "experiment", sa.Column("factors", JSON, nullable=False, server_default=sa.text("'[]'"))
    )
    op.add_column("experiment", sa.Column("crossover", JSON, nullable=True))
    op.add_column("experiment", sa.Column("allocation", JSON, nullable=True))
    op.create_table(
        "listed_unit",
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit", sa.String(length=128), nullable=False),
        sa.Column("arm", sa.String(length=128), nullable=False),
        sa.Column("stratum", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiment.id"],
            name=op.f("fk_listed_unit_experiment_id_experiment"),
        ),
        sa.PrimaryKeyConstraint("experiment_id", "revision", "unit", name=op.f("pk_listed_unit")),
    )


def downgrade() -> None:
    op.drop_table("listed_unit")
    op.drop_column("experiment", "allocation")
    op.drop_column("experiment", "crossover")
    op.drop_column("experiment", "factors")
