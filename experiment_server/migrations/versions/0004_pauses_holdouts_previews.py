"""Pauses, what applies after a stop, preview learners, holdouts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Added in place, each with a default for the rows that exist (see 0003).
    op.add_column("experiment", sa.Column("after", JSON, nullable=True))
    op.add_column(
        "experiment", sa.Column("previews", JSON, nullable=False, server_default=sa.text("'{}'"))
    )
    op.add_column("experiment", sa.Column("holdout_key", sa.String(length=128), nullable=True))
    op.add_column(
        "experiment_phase",
        sa.Column("pauses", JSON, nullable=False, server_default=sa.text("'[]'")),
    )
    _holdout()


def downgrade() -> None:
    op.drop_index(op.f("ix_holdout_environment_id"), table_name="holdout")
    op.drop_table("holdout")
    op.drop_column("experiment_phase", "pauses")
    op.drop_column("experiment", "holdout_key")
    op.drop_column("experiment", "previews")
    op.drop_column("experiment", "after")


def _holdout() -> None:
    op.create_table(
        "holdout",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("domain", sa.String(length=32), nullable=True),
        sa.Column("unit_kind", sa.String(length=16), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("seed", sa.String(length=200), nullable=False),
        sa.Column("includes_running", sa.Boolean(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("end_reason", sa.String(length=2000), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_holdout_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holdout")),
        sa.UniqueConstraint("environment_id", "key", name=op.f("uq_holdout_environment_id_key")),
    )
    op.create_index(op.f("ix_holdout_environment_id"), "holdout", ["environment_id"], unique=False)
