"""The server's own jobs, run for the demo: calibration, the looks that are due, the report."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, func, select

from analysis.energize.validity import ScoreValidation
from analysis.energize.validity import validate as validate_score
from analysis.results import Readout
from experiment_server.app import JOBS
from experiment_server.environments.service import load_environment
from experiment_server.experiments.models import Experiment
from experiment_server.ingest.place import open_lake
from experiment_server.readouts.models import StoredReadout
from experiment_server.schedule import service
from experiment_server.schedule.models import JobRun
from experiment_server.schedule.run import run_jobs
from experiment_server.scores.service import (
    find_norms,
    keep_validation,
    require_norms,
    store_norms,
)
from experiment_server.security.roles import SYSTEM
from experiment_server.state import State

LOOK: Final = "look"
REPORT: Final = "weekly_report"
PAUSED_WHILE_IMPORTING: Final = (LOOK, REPORT)
_POLL_S: Final = 0.2


class LookError(RuntimeError):
    """A scheduled job failed, or a look is missing."""


def pause(state: State) -> None:
    """Hold looks and reports back while the past is imported: half of it would mislead them."""
    with state.database.write() as session:
        for job in PAUSED_WHILE_IMPORTING:
            service.pause(session, job, state.clock())


def calibrate(state: State, environment_key: str, until: datetime, window_days: int = 28) -> str:
    """Freeze a score version on the history before ``until``; gives its name."""
    with state.database.read() as session:
        environment = load_environment(session, environment_key)
    lake = open_lake(state, environment, fresh=True)
    norms = find_norms(lake, until, window_days, now=state.clock())
    with state.database.write() as session:
        return store_norms(session, SYSTEM, environment, norms, state.clock()).version


def validate(state: State, environment_key: str, as_of: datetime) -> None:
    """Keep how well the score foretold who came back, for the dashboard to say."""
    with state.database.read() as session:
        environment = load_environment(session, environment_key)
        norms = require_norms(session, environment)
    found = validate_score(open_lake(state, environment, fresh=True), norms, as_of)
    if isinstance(found, ScoreValidation):
        with state.database.write() as session:
            keep_validation(session, SYSTEM, environment, norms.version, found.to_json())


def run_due(state: State, progress: Callable[[int], None]) -> None:
    """Let the looks and the report go and wait for all that is due.

    The running server and this process share the work: each slot is run by who claims it.

    Raises:
        LookError: one of them failed.
    """
    with state.database.write() as session:
        for job in PAUSED_WHILE_IMPORTING:
            service.resume(session, job)
    jobs = [job for job in JOBS if job.name in PAUSED_WHILE_IMPORTING]
    while True:
        ran = run_jobs(state, jobs, state.clock(), lambda _result: progress(_count_looks(state)))
        progress(_count_looks(state))
        with state.database.read() as session:
            _check_failures(session)
            if not ran and not _is_running(session):
                return
        if not ran:
            time.sleep(_POLL_S)


def last_readout(state: State, environment_key: str, experiment_key: str) -> Readout:
    """The last planned look's readout.

    Raises:
        LookError: there was no look.
    """
    with state.database.read() as session:
        environment = load_environment(session, environment_key)
        found = session.exec(
            select(StoredReadout)
            .join(Experiment, col(Experiment.id) == col(StoredReadout.experiment_id))
            .where(Experiment.environment_id == environment.id, Experiment.key == experiment_key)
            .where(col(StoredReadout.look).is_not(None))
            .order_by(col(StoredReadout.look).desc())
        ).first()
    if found is None:
        raise LookError(f"{experiment_key}: no look was made; see the server's log")
    return Readout.from_json(found.body)


def _count_looks(state: State) -> int:
    with state.database.read() as session:
        done = select(func.count()).select_from(JobRun).where(JobRun.job == LOOK)
        return session.exec(done.where(JobRun.outcome == "done")).one()


def _is_running(session: Session) -> bool:
    running = select(JobRun).where(
        col(JobRun.job).in_(PAUSED_WHILE_IMPORTING), col(JobRun.finished_at).is_(None)
    )
    return session.exec(running).first() is not None


def _check_failures(session: Session) -> None:
    for run in service.list_failed_runs(session):
        if run.job in PAUSED_WHILE_IMPORTING:
            raise LookError(f"{run.job} {run.scope} of {run.slot_at:%Y-%m-%d} failed: {run.error}")
