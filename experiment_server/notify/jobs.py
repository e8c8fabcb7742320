"""Sending what waits in the outbox."""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from experiment_server.notify import service
from experiment_server.schedule.grid import latest_slot
from experiment_server.schedule.job import Claim, Job, Slot
from experiment_server.state import State

EVERY: Final = timedelta(seconds=5)


def _due(state: State, session: Session, now: datetime) -> list[Slot]:
    waits = service.has_waiting(session, state.clock())
    return [Slot("", latest_slot(now, EVERY))] if waits else []


def _run(state: State, _claim: Claim) -> None:
    service.deliver(state.database, state.settings.data_dir, state.clock())


JOBS: Final = (
    Job("send_messages", "Send what waits in the outbox", _due, _run, lease_s=300, quick=True),
)
