"""Forgetting what waits in quarantine after a while: it holds what senders wrote about learners."""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from experiment_server.quarantine import service
from experiment_server.schedule.grid import latest_daily
from experiment_server.schedule.job import Claim, Job, Slot
from experiment_server.state import State


def _due(_state: State, _session: Session, now: datetime) -> list[Slot]:
    return [Slot("", latest_daily(now, hour=3))]


def _run(state: State, _claim: Claim) -> None:
    before = state.clock() - timedelta(days=state.settings.quarantine_days)
    with state.database.write() as session:
        service.forget_before(session, before)


JOBS: Final = (
    Job("tidy_quarantine", "Forget old things in quarantine, daily", _due, _run, lease_s=600),
)
