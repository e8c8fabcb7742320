"""Scheduled reports: the latest period of each environment; older missed ones are left out."""

from datetime import datetime
from functools import partial
from typing import Final

from sqlmodel import Session

from experiment_server.environments.service import list_environments, load_environment
from experiment_server.reports import service
from experiment_server.reports.rhythms import REPORTS, Report
from experiment_server.schedule.job import Claim, Job, Slot
from experiment_server.state import State


def _due(report: Report, _state: State, session: Session, now: datetime) -> list[Slot]:
    period_end = report.latest_slot(now)
    return [
        Slot(environment.key, period_end)
        for environment in list_environments(session)
        if service.has_run_anything(session, environment, period_end)
        and service.find(session, environment, report.rhythm, period_end) is None
    ]


def _run(report: Report, state: State, claim: Claim) -> None:
    with state.database.read() as session:
        environment = load_environment(session, claim.scope)
    service.make_report(state, environment, report.rhythm, claim.slot_at, claim)


JOBS: Final = tuple(
    Job(
        f"{report.rhythm}_report",
        report.title,
        partial(_due, report),
        partial(_run, report),
        lease_s=900,
    )
    for report in REPORTS.values()
)
