"""Which statements are no events yet, for as long as the store has them, and which refer."""

import json
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)
AT_ONCE = 100  # things of quarantine, or statements: 25 MB at most
# Which of those from before are events nobody knows: a first replay tries them, and knows then.
FROM_BEFORE = """
INSERT INTO xapi_waiting (position, environment_id, content_key, is_tried)
SELECT position, environment_id, NULL, false FROM xapi_statement
WHERE NOT is_voided AND NOT is_voiding
"""

STATEMENTS = sa.table(
    "xapi_statement",
    sa.column("position", BIG_ID),
    sa.column("environment_id", sa.Integer()),
    sa.column("statement_id", sa.String()),
    sa.column("stored_at", TIME),
    sa.column("body", JSON),
)
ITEMS = sa.table(
    "quarantined_item",
    sa.column("id", BIG_ID),
    sa.column("environment_id", sa.Integer()),
    sa.column("standard", sa.String()),
    sa.column("content_key", sa.LargeBinary()),
    sa.column("raw", sa.Text()),
    sa.column("is_whole", sa.Boolean()),
    sa.column("received_at", TIME),
    sa.column("last_received_at", TIME),
    sa.column("status", sa.String()),
)
WAITING = sa.table(
    "xapi_waiting", sa.column("position", BIG_ID), sa.column("content_key", sa.LargeBinary())
)
STRING = re.compile(r'"(?:[^"\\]|\\.)*"?')  # of a JSON text, the last one perhaps cut


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
    _heed_quarantine(op.get_bind())
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


def _heed_quarantine(connection: sa.Connection) -> None:
    """Tell the notes what waits in quarantine; none stays of what was settled there."""
    items = sa.select(ITEMS).where(ITEMS.c.standard == "xapi", ITEMS.c.raw.startswith("{"))
    for item in _pages(connection, items, ITEMS.c.id):
        noted = WAITING.c.position.in_(_positions(connection, item))
        if item.status == "waiting":
            key = {"content_key": item.content_key}
            connection.execute(sa.update(WAITING).where(noted).values(key))
        else:
            connection.execute(sa.delete(WAITING).where(noted))


def _positions(connection: sa.Connection, item: sa.Row[Any]) -> list[int]:
    """Of the statements that a thing of quarantine is: one, or some that begin alike."""
    # Held at the time they were stored at: a statement that was forgotten may have come again.
    came = STATEMENTS.c.stored_at.between(item.received_at, item.last_received_at)
    these = sa.select(STATEMENTS).where(STATEMENTS.c.environment_id == item.environment_id, came)
    if item.is_whole:
        these = these.where(STATEMENTS.c.statement_id == json.loads(item.raw)["id"].lower())
        return [row.position for row in connection.execute(these)]
    rows = _pages(connection, these, STATEMENTS.c.position)
    return [row.position for row in rows if _begins(row.body, item.raw)]


def _begins(body: dict[str, Any], cut: str) -> bool:
    """Whether a cut text is of a statement; in PostgreSQL its members have another order now."""
    text = json.dumps(body, separators=(",", ":"))
    *whole, last = STRING.findall(cut)
    return last in text and set(whole) <= set(STRING.findall(text))


def _pages(
    connection: sa.Connection, chosen: sa.Select[Any], key: sa.ColumnElement[Any]
) -> Iterator[sa.Row[Any]]:
    """The chosen rows in the order of their key, a page at a time."""
    query = chosen.order_by(key).limit(AT_ONCE)
    page = connection.execute(query).all()
    while page:
        yield from page
        page = connection.execute(query.where(key > getattr(page[-1], str(key.key)))).all()
