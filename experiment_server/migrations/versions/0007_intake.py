"""The event buffer in chunks, and a ledger whose keys lie together when their ids do.

Rows that wait for the lake, and rows of a batch that is on its way, are carried over. The old
ledger stays beside the new one: keys cannot be turned back into ids. Going down again, ids that
came in between are forgotten.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import orjson
import pyarrow as pa
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AT_ONCE = 500  # rows of a chunk that is made here
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)

ROWS = sa.table(
    "buffered_event",
    sa.column("sequence", BIG_ID),
    sa.column("environment_id", sa.Integer()),
    sa.column("lake_table", sa.String()),
    sa.column("row", JSON),
    sa.column("received_at", TIME),
    sa.column("batch", sa.Integer()),
)
CHUNKS = sa.table(
    "buffered_chunk",
    sa.column("id", BIG_ID),
    sa.column("environment_id", sa.Integer()),
    sa.column("lake_table", sa.String()),
    sa.column("n_rows", sa.Integer()),
    sa.column("n_bytes", sa.Integer()),
    sa.column("received_at", TIME),
    sa.column("batch", sa.Integer()),
    sa.column("content", sa.LargeBinary()),
)


def upgrade() -> None:
    _make_chunks()
    connection = op.get_bind()
    for rows in _pages(connection, ROWS.c.sequence):
        # of one page and not over all of them: the rows of a buffer need not fit into memory
        for _, group in groupby(sorted(rows, key=_belonging), key=_belonging):
            connection.execute(sa.insert(CHUNKS).values(_chunk(list(group))))
    op.drop_table("buffered_event")
    _rename("received_event", "received_before")
    _make_ledger()


def downgrade() -> None:
    op.drop_table("received_event")
    _rename("received_before", "received_event")
    _make_rows()
    connection = op.get_bind()
    for chunks in _pages(connection, CHUNKS.c.id, at_once=20):
        for chunk in chunks:
            text = pa.decompress(chunk.content, chunk.n_bytes, "zstd", asbytes=True)
            columns = orjson.loads(text)
            rows = [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
            shared = {
                "environment_id": chunk.environment_id,
                "lake_table": chunk.lake_table,
                "received_at": chunk.received_at,
                "batch": chunk.batch,
            }
            connection.execute(sa.insert(ROWS), [{**shared, "row": row} for row in rows])
    op.drop_table("buffered_chunk")


def _pages(
    connection: sa.Connection, key: Any, at_once: int = AT_ONCE
) -> Iterator[list[sa.Row[Any]]]:
    """The table's rows in the order of their key."""
    chosen = sa.select(key.table).order_by(key).limit(at_once)
    page = list(connection.execute(chosen))
    while page:
        yield page
        last = getattr(page[-1], key.name)
        page = list(connection.execute(chosen.where(key > last)))


def _belonging(row: sa.Row[Any]) -> tuple[int, str, int]:
    return row.environment_id, row.lake_table, -1 if row.batch is None else row.batch


def _chunk(rows: list[sa.Row[Any]]) -> dict[str, Any]:
    names = dict.fromkeys(name for row in rows for name in row.row)
    text = orjson.dumps({name: [row.row.get(name) for row in rows] for name in names})
    first = rows[0]
    return {
        "environment_id": first.environment_id,
        "lake_table": first.lake_table,
        "n_rows": len(rows),
        "n_bytes": len(text),
        "received_at": first.received_at,
        "batch": first.batch,
        "content": pa.compress(text, codec="zstd", asbytes=True),
    }


def _make_chunks() -> None:
    op.create_table(
        "buffered_chunk",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("lake_table", sa.String(length=16), nullable=False),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("n_bytes", sa.Integer(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("batch", sa.Integer(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_buffered_chunk_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buffered_chunk")),
    )
    op.create_index(
        op.f("ix_buffered_chunk_environment_id_batch"),
        "buffered_chunk",
        ["environment_id", "batch"],
    )


def _rename(old: str, new: str) -> None:
    op.rename_table(old, new)
    if op.get_bind().dialect.name == "postgresql":  # whose names of constraints are unique
        for name in ("pk_{}", "fk_{}_environment_id_environment"):
            renamed = f"{name.format(old)} TO {name.format(new)}"
            op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT {renamed}")


def _make_ledger() -> None:
    op.create_table(
        "received_event",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("event_key", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_received_event_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("environment_id", "event_key", name=op.f("pk_received_event")),
        sqlite_with_rowid=False,
    )


def _make_rows() -> None:
    op.create_table(
        "buffered_event",
        sa.Column("sequence", BIG_ID, nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("lake_table", sa.String(length=16), nullable=False),
        sa.Column("row", JSON, nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("batch", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["environment_id"],
            ["environment.id"],
            name=op.f("fk_buffered_event_environment_id_environment"),
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_buffered_event")),
    )
    op.create_index(op.f("ix_buffered_event_batch"), "buffered_event", ["batch"])
    op.create_index(op.f("ix_buffered_event_environment_id"), "buffered_event", ["environment_id"])
