"""xAPI and Caliper: the statement store, and an environment's own kind rules."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _kind_rule()
    _xapi_statement()
    _xapi_mention()


def downgrade() -> None:
    op.drop_table("xapi_mention")
    op.drop_table("xapi_statement")
    op.drop_table("kind_rule")


def _kind_rule() -> None:
    op.create_table(
        "kind_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("standard", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=500), nullable=False),
        sa.Column("about", sa.String(length=500), nullable=False),
        sa.Column("kind", sa.String(length=128), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        _in_environment("kind_rule"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kind_rule")),
        sa.UniqueConstraint(
            "environment_id",
            "standard",
            "action",
            "about",
            name=op.f("uq_kind_rule_environment_id_standard_action_about"),
        ),
    )
    op.create_index(op.f("ix_kind_rule_environment_id"), "kind_rule", ["environment_id"])


def _xapi_statement() -> None:
    op.create_table(
        "xapi_statement",
        sa.Column("position", BIG_ID, nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("statement_id", sa.String(length=36), nullable=False),
        sa.Column("learner", sa.String(length=32), nullable=True),
        sa.Column("target_id", sa.String(length=36), nullable=True),
        sa.Column("is_voiding", sa.Boolean(), nullable=False),
        sa.Column("is_voided", sa.Boolean(), nullable=False),
        sa.Column("content_key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("happened_at", TIME, nullable=True),
        sa.Column("stored_at", TIME, nullable=False),
        sa.Column("body", JSON, nullable=False),
        _in_environment("xapi_statement"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_xapi_statement")),
        sa.UniqueConstraint(
            "environment_id",
            "statement_id",
            name=op.f("uq_xapi_statement_environment_id_statement_id"),
        ),
    )
    for column in ("stored_at", "target_id", "learner"):
        name = f"ix_xapi_statement_environment_id_{column}"
        op.create_index(name, "xapi_statement", ["environment_id", column])


def _xapi_mention() -> None:
    op.create_table(
        "xapi_mention",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("thing", sa.LargeBinary(length=16), nullable=False),
        sa.Column("position", BIG_ID, nullable=False),
        _in_environment("xapi_mention"),
        sa.ForeignKeyConstraint(
            ["position"],
            ["xapi_statement.position"],
            name=op.f("fk_xapi_mention_position_xapi_statement"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "environment_id", "role", "thing", "position", name=op.f("pk_xapi_mention")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_xapi_mention_position", "xapi_mention", ["position"])


def _in_environment(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_environment_id_environment")
    return sa.ForeignKeyConstraint(["environment_id"], ["environment.id"], name=name)
