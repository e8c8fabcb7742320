"""Whether the SQL store answers, is whole, and has the schema that this program needs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session, col, select

from experiment_server.db import MIGRATIONS
from experiment_server.doctor.finding import Finding, Level
from experiment_server.members.models import Member
from experiment_server.state import State

AREA: Final = "store"
OLDEST_POSTGRESQL: Final = 13
LARGE_WAL: Final = 256 << 20


def check(state: State) -> Iterator[Finding]:
    """Reachable, whole, durable, migrated, and somebody can sign in."""
    try:
        yield from _look(state)
    except DBAPIError as error:
        said = " ".join(str(error.orig).split())
        remedy = _TO_CHECK[state.database.dialect](state.database.url)
        yield Finding(AREA, Level.ERROR, f"The database does not answer: {said}", remedy)


def _look(state: State) -> Iterator[Finding]:
    with state.database.read() as session:
        yield _answers(session)
        yield from (_sqlite if state.database.dialect == "sqlite" else _postgresql)(state, session)
        schema = _schema(session)
        yield schema
        if schema.level is Level.FINE and session.exec(select(col(Member.id))).first() is None:
            remedy = "momentum member add --email you@example.org --role admin"
            yield Finding(AREA, Level.WARNING, "Nobody can sign in: there is no member.", remedy)


def is_ready(state: State) -> bool:
    """Whether the store answers and has the schema of this program."""
    try:
        with state.database.read() as session:
            return _schema(session).level is Level.FINE
    except SQLAlchemyError:
        return False


def _check_file(url: sa.URL) -> str:
    return (
        f"See that {url.database} and its folder are there, that this account may read and write "
        "both, that the disk has room, and that no other program holds the file locked."
    )


def _check_server(url: sa.URL) -> str:
    host, port = url.query.get("host") or url.host or "localhost", url.port or 5432
    return (
        f"Is PostgreSQL up? Try: pg_isready -h {host} -p {port}. If it is, check user, password "
        "and database in MOMENTUM_DATABASE_URL, the server's pg_hba.conf and max_connections."
    )


_TO_CHECK: Final = {"sqlite": _check_file, "postgresql": _check_server}


def _answers(session: Session) -> Finding:
    session.connection().execute(sa.select(1))
    url = session.get_bind().engine.url
    return Finding(AREA, Level.FINE, f"{url.render_as_string(hide_password=True)} answers.")


def _sqlite(state: State, session: Session) -> Iterator[Finding]:
    connection = session.connection()
    problems = [row[0] for row in connection.exec_driver_sql("PRAGMA quick_check(5)")]
    if problems == ["ok"]:
        yield Finding(AREA, Level.FINE, "The file is whole.")
    else:
        remedy = "Stop the server, keep a copy of the file, and restore the last backup."
        yield Finding(AREA, Level.ERROR, f"The file is damaged: {problems[0]}.", remedy)
    log = Path(f"{state.database.url.database}-wal")
    if log.exists() and log.stat().st_size > LARGE_WAL:
        remedy = "A reader holds it up: end programs that keep the file open, then restart."
        what = f"The write-ahead log has grown to {log.stat().st_size >> 20} MiB."
        yield Finding(AREA, Level.WARNING, what, remedy)


def _postgresql(_state: State, session: Session) -> Iterator[Finding]:
    connection = session.connection()

    def setting(name: str) -> str:
        return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())

    number = int(setting("server_version_num")) // 10_000
    if number < OLDEST_POSTGRESQL:
        remedy = f"Upgrade to PostgreSQL {OLDEST_POSTGRESQL} or later."
        yield Finding(AREA, Level.ERROR, f"PostgreSQL {number} is no longer maintained.", remedy)
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if setting(name) == "off":
            remedy = f"Set {name} = on: an answered event may otherwise be lost with the power."
            yield Finding(AREA, Level.ERROR, f"PostgreSQL's {name} is off.", remedy)
    if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
        remedy = "Point MOMENTUM_DATABASE_URL at the primary."
        yield Finding(AREA, Level.ERROR, "This PostgreSQL is a replica, which only reads.", remedy)


def _schema(session: Session) -> Finding:
    found = MigrationContext.configure(session.connection()).get_current_revision()
    known = ScriptDirectory(str(MIGRATIONS))
    newest = known.get_current_head()
    if found == newest:
        return Finding(AREA, Level.FINE, f"The schema is at its newest revision, {newest}.")
    if found is None:
        remedy = "momentum serve makes it; is MOMENTUM_DATABASE_URL the one you mean?"
        return Finding(AREA, Level.ERROR, "The database is empty.", remedy)
    if found in {revision.revision for revision in known.walk_revisions()}:
        remedy = "Back the database up, then start momentum serve: it brings the schema up."
        what = f"The schema is at {found}, this program needs {newest}."
        return Finding(AREA, Level.ERROR, what, remedy)
    remedy = "Install the version of Momentum that wrote it, or a later one."
    return Finding(AREA, Level.ERROR, f"The schema's revision {found} is from a later one.", remedy)
