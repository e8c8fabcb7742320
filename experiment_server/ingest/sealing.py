"""Sealing: buffered rows move into the lake, each exactly once, whatever dies in between.

A batch gets its number and its chunks in one transaction; each lake table takes the batch's rows
in one Delta commit that carries the number; then the chunks leave the buffer. A crash leaves a
numbered batch behind: the next run takes the same chunks under the same number, and the tables that
already have the number write nothing.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa
import structlog
from sqlmodel import Session, col

from analysis.lake.schema import TABLES
from analysis.lake.writer import append, last_sequence
from experiment_server.db import Database
from experiment_server.environments.models import Environment
from experiment_server.ingest.buffer import count_buffered
from experiment_server.ingest.chunks import unpack_columns
from experiment_server.ingest.models import BufferedChunk, SealingCursor

APP_ID: Final = "seal"
BATCH_ROWS: Final = 250_000
BATCH_BYTES: Final = 128_000_000  # of rows as JSON: what a batch may take of memory, about
WAIT_S: Final = 60.0  # for another server that is sealing the same environment
_POLL_S: Final = 0.05
_ADVISORY_CLASS: Final = 7_364_211  # any number that nothing else in the database locks
_CHUNKS: Final = sa.inspect(BufferedChunk).local_table


class SealingBusyError(RuntimeError):
    """Another server seals this environment and has not come to an end."""


def lake_root(lake_dir: str, environment: Environment) -> str:
    """Where the environment's lake is."""
    return f"{lake_dir.rstrip('/')}/{environment.key}"


def seal(database: Database, environment: Environment, root: str, limit: int = BATCH_ROWS) -> int:
    """Move a batch of buffered rows into the lake; gives how many moved.

    Args:
        database: whose buffer.
        environment: whose rows.
        root: the environment's lake.
        limit: the batch ends with the chunk that reaches so many rows.

    Raises:
        SealingBusyError: another server held the environment for a minute.
    """
    environment_id = _id(environment)
    with exclusive(database, environment_id):
        batch = _take_batch(database, environment_id, limit, _floor(root))
        if batch is None:
            return 0
        tables = _load_batch(database, environment_id, batch)
        for lake_table, rows in tables.items():
            append(root, lake_table, rows, APP_ID, batch)
        _drop_batch(database, environment_id, batch)
    moved = sum(int(rows.num_rows) for rows in tables.values())
    structlog.get_logger().debug("sealed", environment=environment.key, batch=batch, rows=moved)
    return moved


def seal_all(database: Database, environment: Environment, root: str) -> int:
    """Move everything that was received before this call; gives how many rows moved."""
    moved = 0
    left = _count(database, _id(environment))
    while moved < left:
        step = seal(database, environment, root)
        if step == 0:
            break
        moved += step
    return moved


def _id(environment: Environment) -> int:
    if environment.id is None:
        raise ValueError(f"environment {environment.key!r} is not stored yet")
    return environment.id


def _count(database: Database, environment_id: int) -> int:
    with database.read() as session:
        return count_buffered(session, environment_id)


def _floor(root: str) -> int:
    """The highest batch number that the lake has seen.

    A database restored from a backup counts from further back than its lake: rows sealed under a
    number that the lake already has would be taken for written.
    """
    return max(last_sequence(root, lake_table, APP_ID) for lake_table in TABLES)


def _take_batch(database: Database, environment_id: int, limit: int, floor: int) -> int | None:
    """The number of the batch to write: an unfinished one first, else a new one; None: no rows."""
    with database.write() as session:
        cursor = _cursor(session, environment_id)
        if _has_chunks(session, environment_id, cursor.last_batch):
            return cursor.last_batch
        number = max(cursor.last_batch, floor) + 1
        chosen = _next_chunks(environment_id, limit)
        marked = session.connection().execute(
            sa.update(BufferedChunk).where(col(BufferedChunk.id).in_(chosen)).values(batch=number)
        )
        if marked.rowcount == 0:
            return None
        cursor.last_batch = number
        return number


def _next_chunks(environment_id: int, limit: int) -> sa.Select[Any]:
    """The chunks that wait, in their order, until they have enough rows or bytes; at least one."""
    table = _CHUNKS
    waiting = (
        sa.select(
            table.c.id,
            _of_earlier(table.c.n_rows).label("rows_before"),
            _of_earlier(table.c.n_bytes).label("bytes_before"),
        )
        .where(table.c.environment_id == environment_id, table.c.batch.is_(None))
        .order_by(table.c.id)
        .limit(limit)  # each has a row at least
        .subquery()
    )
    return sa.select(waiting.c.id).where(
        waiting.c.rows_before < limit, waiting.c.bytes_before < BATCH_BYTES
    )


def _of_earlier(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """The sum over the chunks before this one."""
    summed = sa.func.sum(column).over(order_by=_CHUNKS.c.id, rows=(None, -1))
    return sa.func.coalesce(summed, 0)


def _cursor(session: Session, environment_id: int) -> SealingCursor:
    cursor = session.get(SealingCursor, environment_id, with_for_update=True)
    if cursor is None:
        cursor = SealingCursor(environment_id=environment_id)
        session.add(cursor)
        session.flush()
    return cursor


def _has_chunks(session: Session, environment_id: int, batch: int) -> bool:
    found = sa.select(
        sa.exists()
        .where(col(BufferedChunk.environment_id) == environment_id)
        .where(col(BufferedChunk.batch) == batch)
    )
    return bool(session.connection().execute(found).scalar_one())


def _load_batch(database: Database, environment_id: int, batch: int) -> dict[str, pa.Table]:
    """The batch's rows per lake table, in the order they came."""
    table = _CHUNKS
    chosen = (
        sa.select(table.c.lake_table, table.c.content, table.c.n_bytes)
        .where(table.c.environment_id == environment_id, table.c.batch == batch)
        .order_by(table.c.id)
    )
    gathered: dict[str, list[pa.RecordBatch]] = {}
    with database.read() as session:
        for lake_table, content, n_bytes in session.connection().execute(chosen):
            columns = unpack_columns(content, n_bytes)
            gathered.setdefault(lake_table, []).append(_as_arrow(columns, TABLES[lake_table]))
    return {name: pa.Table.from_batches(batches) for name, batches in gathered.items()}


def _as_arrow(columns: dict[str, list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    n_rows = len(next(iter(columns.values())))
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(n_rows, field.type)
        for field in schema
    ]
    return pa.record_batch(arrays, schema=schema)


def _drop_batch(database: Database, environment_id: int, batch: int) -> None:
    with database.write() as session:
        session.connection().execute(
            sa.delete(BufferedChunk)
            .where(col(BufferedChunk.environment_id) == environment_id)
            .where(col(BufferedChunk.batch) == batch)
        )


@contextmanager
def exclusive(database: Database, environment_id: int) -> Iterator[None]:
    """Only one server at a time writes an environment's lake; a killed one lets go by dying.

    PostgreSQL keeps the lock with the connection. SQLite means one machine, so a file's lock does.
    """
    hold = _hold_file if database.dialect == "sqlite" else _hold_advisory
    with hold(database, environment_id):
        yield


@contextmanager
def _hold_advisory(database: Database, environment_id: int) -> Iterator[None]:
    attempt = sa.select(sa.func.pg_try_advisory_xact_lock(_ADVISORY_CLASS, environment_id))
    with database.read() as session:

        def taken() -> bool:
            return bool(session.connection().execute(attempt).scalar_one())

        _wait_until(taken, environment_id)
        yield


@contextmanager
def _hold_file(database: Database, environment_id: int) -> Iterator[None]:
    path = Path(f"{database.url.database}.seal-{environment_id}.lock")
    with path.open("a") as file:

        def taken() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _wait_until(taken, environment_id)
        yield


def _wait_until(taken: Callable[[], bool], environment_id: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while not taken():
        if time.monotonic() > deadline:
            raise SealingBusyError(
                f"environment {environment_id}: another server has sealed it for {WAIT_S:.0f} s; "
                "wait until it is through, or stop that server"
            )
        time.sleep(_POLL_S)
