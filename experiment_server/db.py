"""The SQL database: engines, sessions, migrations. SQLite by default, PostgreSQL by URL."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import Any, Final

import orjson
import sqlalchemy as sa
import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlmodel import Session

MIGRATIONS: Final = Path(__file__).parent / "migrations"
MIGRATION_LOCK: Final = 5_361_947  # any number that nothing else in the database locks
BUSY_TIMEOUT_MS: Final = 15_000
CHECKPOINT_PAGES: Final = 10_000  # 40 MB: a page that many commits change is moved once, not often
WRITE: Final = "momentum_write"
FIXED_BRANCHES: Final = {(3, 44): 6, (3, 50): 7}  # backports of the fix: branch to first patch
FIRST_BAD: Final = (3, 7, 0)
FIRST_FIXED: Final = (3, 51, 3)
_CLEAR_AWAY: Final = {
    "sqlite": ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"),
    "postgresql": ("SET statement_timeout = 0", "VACUUM"),
}

# Buffered events are JSON: the standard library's codec would be the slowest part of taking them.
JSON_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS  # as the library takes
JSON_CODEC: Final[dict[str, Any]] = {
    "json_serializer": lambda value: orjson.dumps(value, option=JSON_OPTIONS).decode(),
    # SQLite gives the text 3 of a JSON column back as the number 3.
    "json_deserializer": lambda raw: raw if isinstance(raw, int | float) else orjson.loads(raw),
}


class DatabaseError(RuntimeError):
    """The database cannot be used safely; the sentence says what to do."""


def sqlite_can_corrupt(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite has the WAL-reset bug (a checkpoint racing a commit may corrupt)."""
    major, minor, patch = version
    if (major, minor) in FIXED_BRANCHES:
        return patch < FIXED_BRANCHES[major, minor]
    return FIRST_BAD <= version < FIRST_FIXED


def gate_sqlite(version: tuple[int, int, int], workers: int) -> None:
    """Refuse an SQLite that several workers could corrupt.

    Raises:
        DatabaseError: the version is in the bad range and more than one process would write.
    """
    if not sqlite_can_corrupt(version):
        return
    found = ".".join(str(part) for part in version)
    if workers > 1:
        raise DatabaseError(
            f"SQLite {found} can corrupt its file when several workers write (the WAL-reset bug, "
            "fixed in 3.51.3). Install the pysqlite3 package, use PostgreSQL "
            "(MOMENTUM_DATABASE_URL=postgresql://...), or set MOMENTUM_WORKERS=1."
        )
    structlog.get_logger().warning(
        "sqlite_wal_reset_bug", version=found, remedy="install pysqlite3, or use PostgreSQL"
    )


def sqlite_driver() -> ModuleType:
    """The SQLite driver to use: pysqlite3, which carries a fixed SQLite, else Python's own."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:  # not on this platform: the version gate judges Python's own
        return sqlite3
    return dbapi2  # type: ignore[no-any-return]


class Database:
    """One SQL database; ``read`` and ``write`` are the only ways in."""

    def __init__(self, url: str, workers: int = 1) -> None:
        self.url = sa.make_url(url)
        self._engine = _engine(self.url, workers)
        self._write_engine = self._engine.execution_options(**{WRITE: True})
        self.dialect: str = self._engine.dialect.name
        # SQLite lets waiting writers in by chance: threads of one process queue up here instead.
        self._turn: AbstractContextManager[object] = (
            RLock() if self.dialect == "sqlite" else nullcontext()
        )

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session whose changes, if any, are thrown away."""
        with Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits when the block ends and rolls back when it raises.

        On SQLite the transaction takes the write lock at once, so that it waits its turn
        instead of failing half way.
        """
        with (
            self._turn,
            Session(self._write_engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A connection inside one write transaction, below the ORM."""
        with self._write_engine.begin() as connection:
            yield connection

    def clear_away(self) -> None:
        """See that what was deleted is not on the disk either. Writers wait meanwhile.

        Deleting only gives a row's place free, and its content stays there until it is overwritten.
        """
        connection = self._engine.raw_connection()  # VACUUM cannot be in a transaction
        try:
            if self.dialect == "postgresql":
                connection.driver_connection.autocommit = True  # type: ignore[union-attr]
            with self._turn, closing(connection.cursor()) as cursor:
                for statement in _CLEAR_AWAY[self.dialect]:
                    cursor.execute(statement)
        finally:
            connection.invalidate()

    def dispose(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()


def migrate(database: Database) -> None:
    """Bring the schema to the newest revision; servers that start together take turns."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with database.connect() as connection:
        if database.dialect == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _engine(url: sa.URL, workers: int) -> sa.Engine:
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite_engine(url, workers)
    if backend == "postgresql":
        return _postgresql_engine(url)
    raise DatabaseError(
        f"MOMENTUM_DATABASE_URL: found {backend!r}, expected sqlite or postgresql; "
        "for example sqlite:///momentum.db or postgresql://user:password@host/momentum"
    )


def _sqlite_engine(url: sa.URL, workers: int) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise DatabaseError(
            "MOMENTUM_DATABASE_URL: found SQLite in memory, expected a file, because threads share "
            "it; for example sqlite:///momentum.db"
        )
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    driver = sqlite_driver()
    gate_sqlite(driver.sqlite_version_info, workers)
    engine = sa.create_engine(
        url, module=driver, pool_size=16, max_overflow=48, pool_timeout=10, **JSON_CODEC
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Durable before the answer (FULL), readers beside one writer (WAL), checked references."""
    connection.isolation_level = None  # the driver must not begin by itself: _begin_sqlite does
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql_engine(url: sa.URL) -> sa.Engine:
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=16,
        max_overflow=16,
        pool_timeout=5,
        **JSON_CODEC,
        pool_pre_ping=True,  # a restarted server costs one reconnect, not one failed request
        connect_args={
            "connect_timeout": 5,
            "options": "-c timezone=UTC -c lock_timeout=10000 -c statement_timeout=60000",
        },
    )
