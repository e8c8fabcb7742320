"""The way of an event: taken over HTTP, durable before the answer, and sealed into the lake.

Each part runs beside the barest thing that does the same: `executemany` (SQLite) or COPY
(PostgreSQL) of the same rows, 500 a commit, with the same durability; and Parquet without a lake.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
import structlog

from analysis.lake.schema import TABLES
from benchmarks._intake import Item, Server, as_bodies, batches, make_items, running
from experiment_server.app import bootstrap
from experiment_server.columns import utc_now
from experiment_server.db import Database, sqlite_driver
from experiment_server.environments.models import Environment
from experiment_server.environments.service import load_environment
from experiment_server.ingest import buffer, ledger
from experiment_server.ingest.items import ParsedItem, Rules
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.ingest.sealing import seal_all
from experiment_server.ingest.service import parse_batch
from tests import postgresql

N_EVENTS: Final = 10_000  # a round; short and many: one of them meets the machine at rest
ROUNDS: Final = 8
N_CLIENTS: Final = 4
N_CORES: Final = 2  # the server's workers: as many as the machine of the target has cores
N_BEFORE: Final = 1_000_000  # event ids that the ledger knows already
N_SEALED: Final = 500_000
DURABLE: Final = ("max_connections=50", "listen_addresses=", "max_wal_size=4GB")
MILLION: Final = 1_000_000
OURS: Final = "Momentum"

_COLUMNS: Final = tuple(name for name in TABLES["events"].names if name != "day")

Insert = Callable[[Sequence[bytes], Sequence[tuple[Any, ...]]], None]


class Rows(NamedTuple):
    """The same events in each form that somebody takes."""

    bodies: list[bytes]
    keys: list[bytes]
    rows: list[tuple[Any, ...]]


class Cost(NamedTuple):
    """What a piece of work took."""

    wall_s: float
    core_s: float


def run() -> None:
    """Measure and print."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())  # made, written nowhere
    _ingest("SQLite", _sqlite_store)
    _ingest("PostgreSQL", _postgresql_store)
    _sealing()
    structlog.reset_defaults()


def _ingest(name: str, store: Callable[[], Any]) -> None:
    print(f"  ingest into {name}: batches of 500, {N_BEFORE:,} ids in the ledger before")
    costs: dict[str, list[Cost]] = {}
    with store() as (database, folder, bare):
        _fill_ledger(database)
        with running(database, folder, N_CORES) as both, running(database, folder) as one:
            for server in (both, one):
                server.send(_rows(5_000, server.port).bodies, N_CLIENTS)  # warm
            for number in range(1, ROUNDS + 1):
                rows, others = _rows(N_EVENTS, number), _rows(N_EVENTS, ROUNDS + number)
                random_ids = as_bodies(make_items(N_EVENTS, number, numbered=False))
                costs.setdefault(OURS, []).append(_sent(both, rows.bodies))
                costs.setdefault(f"{OURS}, one worker", []).append(_sent(one, others.bodies))
                costs.setdefault(f"{OURS}, ids at random", []).append(_sent(both, random_ids))
                for what, insert in bare.items():
                    costs.setdefault(what, []).append(_inserted(insert, rows))
        n_bytes = _buffer_bytes(database)
    _print_costs(costs, N_EVENTS, "events")
    print(f"    the buffer takes {n_bytes / 1e6:.1f} MB per million events")


def _print_costs(costs: Mapping[str, Sequence[Cost]], n: int, what: str) -> None:
    """Each one's best rate, its processor time, and what the first reaches of it."""
    best = {name: n / min(cost.wall_s for cost in each) for name, each in costs.items()}
    ours = next(iter(best.values()))
    for name, rate in best.items():
        core_s = min(cost.core_s for cost in costs[name]) * MILLION / n
        print(
            f"    {name:36} {rate:9,.0f} {what}/s {core_s:7.1f} core-s per million"
            f"{'' if rate == ours else f', {ours / rate:5.0%} of it reached'}"
        )


def _rows(n: int, seed: int) -> Rows:
    items = make_items(n, seed)
    parsed = _parse(items)
    keys = [ledger.event_key(item.event_id) for item in parsed]
    rows = [tuple(item.row.get(name) for name in _COLUMNS) for item in parsed]
    return Rows(as_bodies(items), keys, rows)


def _parse(items: Sequence[Item]) -> list[ParsedItem]:
    parsed, refused = parse_batch(items, Rules(utc_now(), Pseudonyms("5a" * 32), {}))
    if refused:
        raise RuntimeError(f"the benchmark's own event was refused: {refused[0]}")
    return parsed


def _sent(server: Server, bodies: Sequence[bytes]) -> Cost:
    before = server.cpu_s()
    wall_s = server.send(bodies, N_CLIENTS)
    return Cost(wall_s, server.cpu_s() - before)


def _inserted(insert: Insert, rows: Rows) -> Cost:
    keys, records = batches(rows.keys), batches(rows.rows)

    def work() -> None:
        for batch_keys, batch_rows in zip(keys, records, strict=True):
            insert(batch_keys, batch_rows)

    return _cost(work)


def _cost(work: Callable[[], object]) -> Cost:
    wall, core = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - wall, time.process_time() - core)


def _fill_ledger(database: Database) -> None:
    """Ids of events that came before."""
    with database.write() as session:
        place = load_environment(session, "production")
        sql = "INSERT INTO received_event (environment_id, event_key) VALUES (:id, :key)"
        keys = sorted(os.urandom(ledger.KEY_BYTES) for _ in range(N_BEFORE))
        for first in range(0, N_BEFORE, 100_000):
            some = keys[first : first + 100_000]
            session.execute(sa.text(sql), [{"id": place.id, "key": key} for key in some])


def _buffer_bytes(database: Database) -> float:
    with database.read() as session:
        sums = "SELECT sum(length(content)), sum(n_rows) FROM buffered_chunk"
        n_bytes, n_rows = session.execute(sa.text(sums)).one()
    return float(n_bytes) / float(n_rows) * MILLION


@contextmanager
def _sqlite_store() -> Iterator[tuple[Database, Path, dict[str, Insert]]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder}/momentum.db")
        bootstrap(database)
        yield database, folder, _bare_sqlite(folder / "bare.db")
        database.dispose()


def _bare_sqlite(path: Path) -> dict[str, Insert]:
    """Two ways to insert into a file of its own, which begins with the same ledger."""
    bare = Database(f"sqlite:///{path}")
    bootstrap(bare)
    _fill_ledger(bare)
    bare.dispose()
    connection = sqlite_driver().connect(str(path), isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"CREATE TABLE bare ({', '.join(_COLUMNS)})")
    marks = ", ".join("?" for _ in _COLUMNS)

    def insert_rows(_keys: Sequence[bytes], rows: Sequence[tuple[Any, ...]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO bare VALUES ({marks})", rows)
        connection.execute("COMMIT")

    def insert_both(keys: Sequence[bytes], rows: Sequence[tuple[Any, ...]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO received_event VALUES (1, ?) ON CONFLICT DO NOTHING", [(k,) for k in keys]
        )
        connection.executemany(f"INSERT INTO bare VALUES ({marks})", rows)
        connection.execute("COMMIT")

    return {
        "executemany: rows and their ids": insert_both,
        "executemany: rows, repeats unnoticed": insert_rows,
    }


@contextmanager
def _postgresql_store() -> Iterator[tuple[Database, Path, dict[str, Insert]]]:
    with (
        tempfile.TemporaryDirectory() as name,
        postgresql.cluster(DURABLE) as url,
        psycopg.connect(url) as connection,
    ):
        database = Database(url)
        bootstrap(database)
        yield database, Path(name), _bare_postgresql(connection)
        database.dispose()


def _bare_postgresql(connection: psycopg.Connection) -> dict[str, Insert]:
    connection.execute(
        "CREATE TABLE bare (event_id text, learner text, kind text, occurred_at bigint, "
        "received_at bigint, value float8, activity text, topic text, course text, step integer, "
        "properties text)"
    )
    for ids in ("bare_id", "inserted_id"):
        connection.execute(f"CREATE TABLE {ids} (event_key bytea PRIMARY KEY)")
    connection.commit()

    def copy_rows(_keys: Sequence[bytes], rows: Sequence[tuple[Any, ...]]) -> None:
        with (
            connection.transaction(),
            connection.cursor() as cursor,
            cursor.copy("COPY bare FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def copy_both(keys: Sequence[bytes], rows: Sequence[tuple[Any, ...]]) -> None:
        with connection.transaction():
            with connection.cursor() as cursor, cursor.copy("COPY bare_id FROM STDIN") as copy:
                for key in keys:
                    copy.write_row((key,))
            copy_rows(keys, rows)

    def insert_both(keys: Sequence[bytes], rows: Sequence[tuple[Any, ...]]) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany("INSERT INTO inserted_id VALUES (%s)", [(key,) for key in keys])
            cursor.executemany(f"INSERT INTO bare VALUES ({marks})", rows)

    marks = ", ".join(["%s"] * len(_COLUMNS))
    return {
        "executemany: rows and their ids": insert_both,
        "COPY: rows and their ids": copy_both,
        "COPY: rows, repeats unnoticed": copy_rows,
    }


def _sealing() -> None:
    print(f"  sealing {N_SEALED:,} rows of a SQLite buffer")
    costs: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder}/momentum.db")
        bootstrap(database)
        for number in range(3):
            rows = _fill_buffer(database, number)
            with database.read() as session:
                place = load_environment(session, "production")
            lake = folder / f"lake-{number}"
            costs.setdefault("sealing", []).append(_cost(partial(_seal, database, place, lake)))
            written = _cost(partial(_write_parquet, rows, folder / "bare.parquet"))
            costs.setdefault("bare Parquet, of rows in memory", []).append(written)
        n_bytes = sum(path.stat().st_size for path in lake.rglob("*.parquet"))
        database.dispose()
    _print_costs(costs, N_SEALED, "rows")
    print(f"    the lake takes {n_bytes / N_SEALED:.1f} MB per million events")


def _seal(database: Database, place: Environment, lake: Path) -> None:
    moved = seal_all(database, place, str(lake))
    if moved != N_SEALED:
        raise RuntimeError(f"sealed {moved} of {N_SEALED} rows")


def _fill_buffer(database: Database, seed: int) -> pa.Table:
    """Buffer events in chunks of 500; gives them as a table."""
    parsed = _parse(make_items(N_SEALED, seed))
    with database.write() as session:
        place = load_environment(session, "production")
        for batch in batches(parsed):
            buffer.append(session, place.id or 0, batch, utc_now())
    return pa.Table.from_pylist([item.row for item in parsed], schema=TABLES["events"])


def _write_parquet(rows: pa.Table, path: Path) -> None:
    pq.write_table(rows, path, compression="zstd")
    with path.open("rb") as file:
        os.fsync(file.fileno())
