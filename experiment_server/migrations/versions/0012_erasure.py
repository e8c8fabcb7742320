"""How long an environment keeps what it received."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retention_rule",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("kept", sa.String(length=16), nullable=False),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name="fk_retention_rule_environment_id_environment",
        ),
        sa.PrimaryKeyConstraint("environment_id", "kept", name="pk_retention_rule"),
    )


def downgrade() -> None:
    op.drop_table("retention_rule")
