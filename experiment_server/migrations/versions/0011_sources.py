"""Warehouse sources, and the source that an experiment is read from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("url_variable", sa.String(length=100), nullable=False),
        sa.Column("mapping", JSON, nullable=False),
        sa.Column("validation", JSON, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_source_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint("environment_id", "key", name=op.f("uq_source_environment_id_key")),
    )
    op.create_index(op.f("ix_source_environment_id"), "source", ["environment_id"], unique=False)
    # Added in place, without a default: experiments that exist are read from the lake (see 0003).
    op.add_column("experiment", sa.Column("source", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("experiment", "source")
    op.drop_index(op.f("ix_source_environment_id"), table_name="source")
    op.drop_table("source")
