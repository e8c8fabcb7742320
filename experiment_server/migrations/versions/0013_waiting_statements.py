"""Which statements are no events yet, for as long as the store has them, and which refer."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Of those from before nobody knows: a first replay tries them all, and knows then.
FROM_BEFORE = """
INSERT INTO xapi_waiting (position, environment_id, content_key, is_tried)
SELECT position, environment_id, NULL, false FROM xapi_statement
WHERE NOT is_voided AND NOT is_voiding
"""


def upgrade() -> None:
    op.create_table(
        "xapi_waiting",
        sa.Column("position", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("content_key", sa.LargeBinary(length=16), nullable=True),
        sa.Column("is_tried", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_xapi_waiting_environment_id_environment"),
        ),
        sa.ForeignKeyConstraint(
            ["position"],
            ["xapi_statement.position"],
            name=op.f("fk_xapi_waiting_position_xapi_statement"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_xapi_waiting")),
    )
    op.execute(FROM_BEFORE)
    for columns in (("environment_id", "is_tried", "position"), ("environment_id", "content_key")):
        name = op.f("ix_xapi_waiting_" + "_".join(columns))
        op.create_index(name, "xapi_waiting", columns, unique=False)
    refers = sa.text("target_id IS NOT NULL")
    op.create_index(
        "ix_xapi_statement_references",
        "xapi_statement",
        ["environment_id", "position"],
        unique=False,
        sqlite_where=refers,
        postgresql_where=refers,
    )


def downgrade() -> None:
    op.drop_index("ix_xapi_statement_references", table_name="xapi_statement")
    op.drop_table("xapi_waiting")
