"""What ratios, rates and quantiles need of a metric's definition, and its other limits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    # Added in place, each with a default for the rows that exist (see 0003).
    op.add_column(
        "metric",
        sa.Column("denominator_kinds", JSON, nullable=False, server_default=sa.text("'[]'")),
    )
    op.add_column("metric", sa.Column("quantile", sa.Float(), nullable=True))
    op.add_column("metric", sa.Column("floor", sa.Float(), nullable=True))
    op.add_column("metric", sa.Column("cap_quantile", sa.Float(), nullable=True))
    op.add_column(
        "metric",
        sa.Column("covariate", sa.String(length=16), nullable=False, server_default="window"),
    )


def downgrade() -> None:
    for column in ("covariate", "cap_quantile", "floor", "quantile", "denominator_kinds"):
        op.drop_column("metric", column)
