"""Opening a warehouse by its address: to read only, for a limited time, and no file elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import ibis
from ibis.backends import BaseBackend

from analysis.engines.duckdb import open_session
from analysis.warehouse.dialects import speak
from analysis.warehouse.failures import gist, is_cancelled
from analysis.warehouse.queries import DIALECTS

FILES: Final = ("duckdb",)
CONNECT_SECONDS: Final = 5
_CANCEL_SECONDS: Final = 5.0  # for the message that stops a query
_AGAIN_SECONDS: Final = 1.0  # a query that begins after the limit is interrupted as well
_MS: Final = 1000


class WarehouseError(ValueError):
    """A warehouse that cannot be read as asked; its sentences hold no part of the address."""

    def __init__(self, code: str, sentence: str, remedy: str, field: str = "") -> None:
        super().__init__(f"{sentence} {remedy}")
        self.code = code  # a row of docs/howto/warehouse.md
        self.sentence = sentence
        self.remedy = remedy
        self.field = field  # of the mapping, as a JSON path; empty: the whole of it


@dataclass(frozen=True)
class Limits:
    """What reading a warehouse may touch, and for how long.

    Attributes:
        files_below: the folder that DuckDB files must lie in; None: no file at all.
        seconds: a longer query is given up.
        total_seconds: all queries together, from the connection on; None: no more than that.
    """

    files_below: Path | None = None
    seconds: float = 300.0
    total_seconds: float | None = None


@dataclass(frozen=True)
class Connection:
    """An open warehouse.

    Attributes:
        backend: the session, read only, with UTC as its zone.
        scheme: of the address.
        snapshot: what the warehouse calls the state that it shows; empty: it has no name for it.
        close: lets go of it.
        ends_at: when its time is up, by ``time.monotonic()``; None: never.
    """

    backend: BaseBackend
    scheme: str
    snapshot: str
    close: Callable[[], None]
    ends_at: float | None = None

    @property
    def is_late(self) -> bool:
        """Whether its time is up: then nothing more is to be asked."""
        return self.ends_at is not None and time.monotonic() >= self.ends_at


def open_connection(url: str, limits: Limits) -> Connection:
    """The warehouse at an address.

    Raises:
        WarehouseError: the address cannot be used, or nobody answers there.
    """
    scheme, total = scheme_of(url), limits.total_seconds
    ends_at = None if total is None else time.monotonic() + total
    if scheme in FILES:
        return replace(_duckdb(_file(url, limits), limits), ends_at=ends_at)
    if scheme in ("postgres", "postgresql"):
        return replace(_postgres(url, limits), ends_at=ends_at)
    return replace(_other(url, scheme), ends_at=ends_at)


def out_of_time(field: str = "") -> WarehouseError:
    """What is said when the time is up."""
    return WarehouseError(
        "out_of_time",
        "The warehouse did not answer within the time limit.",
        "Index its tables by learner and time, or map a view with fewer rows.",
        field,
    )


def scheme_of(url: str) -> str:
    """The address' scheme.

    Raises:
        WarehouseError: it is none that is known here.
    """
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme not in DIALECTS:
        raise WarehouseError(
            "bad_url",
            "The address has a scheme that is not read here.",
            f"Use one of {', '.join(sorted(DIALECTS))}, such as postgresql://reader@host/analytics.",
        )
    return scheme


def _file(url: str, limits: Limits) -> Path:
    remedy = (
        "Put the file below the folder MOMENTUM_SOURCES_DIR of the server and name it as "
        "duckdb:///FOLDER/FILE."
    )
    path = Path(unquote(urlsplit(url).path)).resolve()
    folder = limits.files_below
    if folder is None or not path.is_relative_to(folder.resolve()):
        raise WarehouseError(
            "outside_folder", "The file lies outside the folder for sources.", remedy
        )
    if not path.is_file():
        raise WarehouseError("no_connection", "There is no such file.", remedy)
    return path


def _duckdb(path: Path, limits: Limits) -> Connection:
    import duckdb

    try:
        backend = open_session(path, read_only=True)
        for setting in (
            "SET TimeZone = 'UTC'",
            # A query may read the tables of this file and no other file, and not undo this.
            "SET enable_external_access = false",
            "SET lock_configuration = true",
            "BEGIN TRANSACTION",
        ):
            backend.raw_sql(setting)
    except (duckdb.Error, OSError) as error:
        raise WarehouseError(
            "no_connection",
            "The file cannot be opened as a DuckDB database.",
            "Check that no program holds it for writing, and which version wrote it.",
        ) from error
    done = _interrupting(backend.con.interrupt, limits.total_seconds or limits.seconds)

    def close() -> None:
        done.set()
        backend.disconnect()

    return Connection(backend, "duckdb", "", close)


def _interrupting(interrupt: Callable[[], None], seconds: float) -> Event:
    """Interrupt whatever runs after the time is up, until the event is set."""
    done = Event()

    def watch() -> None:
        left = seconds
        while not done.wait(left):
            with suppress(Exception):  # it was closed meanwhile, or cannot be reached just now
                interrupt()
            left = _AGAIN_SECONDS

    Thread(target=watch, name="warehouse-limit", daemon=True).start()
    return done


def _postgres(url: str, limits: Limits) -> Connection:
    import psycopg

    options = (
        "-c default_transaction_read_only=on"
        f" -c statement_timeout={int(limits.seconds * _MS)}"
        # The pass is one long expression: compiling it costs more than it gains.
        " -c jit=off"
    )
    try:
        session = psycopg.connect(
            url, autocommit=True, connect_timeout=CONNECT_SECONDS, options=options
        )
    except (psycopg.Error, UnicodeError) as error:
        raise WarehouseError("no_connection", _why(error), _CHECK_ADDRESS) from None
    backend = ibis.postgres.from_connection(session)
    speak(backend)
    # All queries of a readout see one state, however long they take and whoever writes meanwhile.
    session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    row = session.execute("SELECT pg_current_snapshot()::text").fetchone()
    snapshot = str(row[0]) if row else ""
    if limits.total_seconds is None:
        return Connection(backend, "postgresql", snapshot, session.close)
    done = _interrupting(
        partial(session.cancel_safe, timeout=_CANCEL_SECONDS), limits.total_seconds
    )

    def close() -> None:
        done.set()
        session.close()

    return Connection(backend, "postgresql", snapshot, close)


_CHECK_ADDRESS: Final = "Check the address in the variable, and that this server may reach it."
_REASONS: Final = (
    ("password authentication failed", "PostgreSQL refused the user or the password."),
    ("no pg_hba.conf entry", "PostgreSQL does not let this server in."),
    ("timeout", "Nobody answered in time."),
    ("does not exist", "PostgreSQL has no such database or role."),
    ("could not translate host name", "There is no host of this name."),
    ("refused", "The host refused the connection."),
    ("No such file", "There is no server at this address."),
)


def _why(error: Exception) -> str:
    """Why there is no connection. The driver's own words may hold parts of the address."""
    said = str(error)
    return next((ours for theirs, ours in _REASONS if theirs in said), "PostgreSQL did not answer.")


def _other(url: str, scheme: str) -> Connection:
    """Any other warehouse that Ibis knows; its driver must be installed beside Momentum."""
    try:
        backend: Any = ibis.connect(url)
    except ImportError:
        remedy = f"Install it beside Momentum: pip install 'ibis-framework[{scheme}]'."
        raise WarehouseError("no_driver", f"The driver for {scheme} is missing.", remedy) from None
    except Exception:  # each driver has errors of its own, whose words may hold the address
        sentence = f"The {scheme} warehouse did not answer."
        raise WarehouseError("no_connection", sentence, _CHECK_ADDRESS) from None
    speak(backend)
    return Connection(backend, scheme, "", backend.disconnect)


@contextmanager
def driver_errors() -> Iterator[None]:
    """Turn what a driver says while a warehouse is read into one sentence.

    Raises:
        WarehouseError: instead of any error that is neither ours nor of our own libraries.
    """
    try:
        yield
    except Exception as error:  # each driver has errors of its own
        if type(error).__module__.partition(".")[0] in _NOT_OF_DRIVERS:
            raise
        if is_cancelled(error):
            raise out_of_time() from error
        raise WarehouseError(
            "failed_query",
            f"The warehouse gave up: {gist(error)}",
            "Validate the source; for a query that takes too long, index its table by time.",
        ) from error


_NOT_OF_DRIVERS: Final = frozenset(
    {"analysis", "experiment_server", "builtins", "sqlalchemy", "numpy", "scipy"}
)
