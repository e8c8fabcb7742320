"""The schedule's own housekeeping."""

from datetime import datetime
from typing import Final

from sqlmodel import Session

from experiment_server.schedule import service
from experiment_server.schedule.grid import latest_daily
from experiment_server.schedule.job import Claim, Job, Slot
from experiment_server.state import State


def _due(_state: State, _session: Session, now: datetime) -> list[Slot]:
    return [Slot("", latest_daily(now, hour=3))]


def _run(state: State, _claim: Claim) -> None:
    with state.database.write() as session:
        service.forget_old_runs(session, state.clock())


JOBS: Final = (Job("tidy_runs", "Forget old runs of jobs, daily", _due, _run, lease_s=60),)
