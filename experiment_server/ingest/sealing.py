"""Sealing: buffered rows move into the lake, each exactly once, whatever dies in between.

A batch gets its number and its rows in one transaction; each lake table takes the batch's rows in
one Delta commit that carries the number; then the rows leave the buffer. A crash leaves a numbered
batch behind: the next run takes the same rows under the same number, and the tables that already
have the number write nothing.
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
from experiment_server.ingest.models import BufferedEvent, SealingCursor

APP_ID: Final = "seal"
BATCH_ROWS: Final = 20_000
WAIT_S: Final = 60.0  # for another server that is sealing the same environment
_POLL_S: Final = 0.05
_ADVISORY_CLASS: Final = 7_364_211  # any number that nothing else in the database locks


class SealingBusyError(RuntimeError):
    """Another server seals this environment and has not come to an end."""


def lake_root(lake_dir: str, environment: Environment) -> str:
    """Where the environment's lake is."""
    return f"{lake_dir.rstrip('/')}/{environment.key}"


def seal(database: Database, environment: Environment, root: str, limit: int = BATCH_ROWS) -> int:
    """Move up to ``limit`` buffered rows into the lake; gives how many moved.

    Raises:
        SealingBusyError: another server held the environment for a minute.
    """
    environment_id = _id(environment)
    with _exclusive(database, environment_id):
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
    counted = sa.select(sa.func.count()).where(col(BufferedEvent.environment_id) == environment_id)
    with database.read() as session:
        return int(session.connection().execute(counted).scalar_one())


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
        if _has_rows(session, environment_id, cursor.last_batch):
            return cursor.last_batch
        number = max(cursor.last_batch, floor) + 1
        waiting = (
            sa.select(col(BufferedEvent.sequence))
            .where(col(BufferedEvent.environment_id) == environment_id)
            .where(col(BufferedEvent.batch).is_(None))
            .order_by(col(BufferedEvent.sequence))
            .limit(limit)
        )
        marked = session.connection().execute(
            sa.update(BufferedEvent)
            .where(col(BufferedEvent.sequence).in_(waiting))
            .values(batch=number)
        )
        if marked.rowcount == 0:
            return None
        cursor.last_batch = number
        return number


def _cursor(session: Session, environment_id: int) -> SealingCursor:
    cursor = session.get(SealingCursor, environment_id, with_for_update=True)
    if cursor is None:
        cursor = SealingCursor(environment_id=environment_id)
        session.add(cursor)
        session.flush()
    return cursor


def _has_rows(session: Session, environment_id: int, batch: int) -> bool:
    found = sa.select(
        sa.exists()
        .where(col(BufferedEvent.environment_id) == environment_id)
        .where(col(BufferedEvent.batch) == batch)
    )
    return bool(session.connection().execute(found).scalar_one())


def _load_batch(database: Database, environment_id: int, batch: int) -> dict[str, pa.Table]:
    """The batch's rows per lake table, in the order they came."""
    table = sa.inspect(BufferedEvent).local_table
    chosen = (
        sa.select(table.c.lake_table, table.c.row)
        .where(table.c.environment_id == environment_id, table.c.batch == batch)
        .order_by(table.c.sequence)
    )
    gathered: dict[str, list[dict[str, Any]]] = {}
    with database.read() as session:
        for lake_table, row in session.connection().execute(chosen):
            gathered.setdefault(lake_table, []).append(row)
    return {
        name: pa.Table.from_pylist(rows, schema=TABLES[name]) for name, rows in gathered.items()
    }


def _drop_batch(database: Database, environment_id: int, batch: int) -> None:
    with database.write() as session:
        session.connection().execute(
            sa.delete(BufferedEvent)
            .where(col(BufferedEvent.environment_id) == environment_id)
            .where(col(BufferedEvent.batch) == batch)
        )


@contextmanager
def _exclusive(database: Database, environment_id: int) -> Iterator[None]:
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
