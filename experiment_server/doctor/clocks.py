"""Whether the clocks of this machine, of the database and of those who send events agree."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.doctor.finding import Finding, Level
from experiment_server.readouts.models import StoredReadout
from experiment_server.schedule.models import JobRun
from experiment_server.state import State

AREA: Final = "clocks"
APART: Final = timedelta(seconds=5)
SYNCHRONISE: Final = "Synchronise the clock (NTP): slots, leases and windows go by it."


def check(state: State) -> Iterator[Finding]:
    """This machine's time against the database's, and against what was written before."""
    now = state.clock()
    with state.database.read() as session:
        if state.database.dialect == "postgresql":
            yield _database(session, now)
        latest = _latest(session)
    if latest is not None and latest > now + APART:
        what = f"The store holds times up to {latest:%Y-%m-%d %H:%M:%S}, it is {now:%H:%M:%S} UTC."
        remedy = f"This clock went back, or another server's runs ahead. {SYNCHRONISE}"
        yield Finding(AREA, Level.ERROR, what, remedy)
        return
    yield Finding(AREA, Level.FINE, f"It is {now:%Y-%m-%d %H:%M:%S} UTC, later than all stored.")


def _database(session: Session, now: datetime) -> Finding:
    theirs = session.connection().execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    apart = abs(theirs.astimezone(UTC) - now)
    if apart > APART:
        what = f"The database's clock is {apart.total_seconds():.0f} s off this machine's."
        return Finding(AREA, Level.WARNING, what, SYNCHRONISE)
    return Finding(AREA, Level.FINE, "The database's clock agrees.")


def _latest(session: Session) -> datetime | None:
    times = (
        session.exec(select(sa.func.max(col(JobRun.claimed_at)))).one(),
        session.exec(select(sa.func.max(col(StoredReadout.created_at)))).one(),
    )
    return max((at for at in times if at is not None), default=None)
