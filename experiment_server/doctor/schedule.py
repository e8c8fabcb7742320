"""Whether what runs by itself does run: jobs, looks, sealing, messages."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.doctor.finding import Finding, Level
from experiment_server.ingest.models import BufferedChunk
from experiment_server.notify.models import OutboxMessage
from experiment_server.notify.service import MAX_ATTEMPTS
from experiment_server.readouts.looks import list_due
from experiment_server.schedule import service
from experiment_server.state import State

AREA: Final = "schedule"
LATE: Final = timedelta(hours=1)
SERVE: Final = "Start momentum serve with MOMENTUM_SCHEDULER=on somewhere, or run "


def check(state: State) -> Iterator[Finding]:
    """What is held, what failed, what is late."""
    now = state.clock()
    with state.database.read() as session:
        found = [
            *_held(state, session),
            *_failed(session),
            *_late_sealing(state, session, now),
            *_late_looks(session, now),
            *_unsent(session),
        ]
    yield from found or [Finding(AREA, Level.FINE, "Nothing failed, nothing is late.")]


def _held(state: State, session: Session) -> Iterator[Finding]:
    if not state.settings.scheduler:
        remedy = "Unset MOMENTUM_SCHEDULER here, unless another process runs the schedule."
        yield Finding(AREA, Level.WARNING, "The schedule is off in these settings.", remedy)
    for job in sorted(service.list_paused(session)):
        remedy = f"momentum schedule resume {job}"
        yield Finding(AREA, Level.WARNING, f"The job {job} is paused.", remedy)


def _failed(session: Session) -> Iterator[Finding]:
    for run in service.list_failed_runs(session):
        what = f"{run.job} {run.scope} of {run.slot_at:%Y-%m-%d %H:%M} failed: {run.error}"
        remedy = f"Mend what it names, then: momentum schedule retry {run.job}"
        yield Finding(AREA, Level.ERROR, what, remedy)


def _late_sealing(state: State, session: Session, now: datetime) -> Iterator[Finding]:
    oldest = session.exec(select(sa.func.min(col(BufferedChunk.received_at)))).one()
    allowed = max(timedelta(seconds=20 * state.settings.seal_seconds), timedelta(minutes=5))
    if oldest is not None and now - oldest > allowed:
        what = f"Received events have waited for the lake since {oldest:%Y-%m-%d %H:%M} UTC."
        remedy = f"{SERVE}momentum schedule run-due --only seal. None is lost meanwhile."
        yield Finding(AREA, Level.ERROR, what, remedy)


def _late_looks(session: Session, now: datetime) -> Iterator[Finding]:
    late = [due for due in list_due(session, now) if now - due.look.at > LATE]
    for due in late:
        what = f"Look {due.look.number} of {due.scope} was due {due.look.at:%Y-%m-%d %H:%M} UTC."
        yield Finding(AREA, Level.ERROR, what, f"{SERVE}momentum schedule run-due.")


def _unsent(session: Session) -> Iterator[Finding]:
    given_up = (
        select(sa.func.count(), sa.func.max(col(OutboxMessage.error)))
        .where(col(OutboxMessage.sent_at).is_(None))
        .where(OutboxMessage.attempts >= MAX_ATTEMPTS)
    )
    number, error = session.exec(given_up).one()
    if number:
        what = f"{number} messages could not be sent, one because of: {error}"
        remedy = "Mend or remove the channel: momentum schedule list names what waits."
        yield Finding(AREA, Level.WARNING, what, remedy)
