"""Running what is due: claim, run, record; one failing job never stops the others."""

import os
import socket
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from experiment_server.schedule import service, slots
from experiment_server.schedule.job import Claim, Job, RunResult, Slot
from experiment_server.state import State

MAX_ROUNDS: Final = 1_000  # of one job in one call: a job that is always due must not hog the tick

Progress = Callable[[RunResult], None]


def owner_name() -> str:
    """Who claims: this process on this machine."""
    return f"{socket.gethostname()[:80]}:{os.getpid()}"


def run_jobs(
    state: State,
    jobs: Sequence[Job],
    now: datetime,
    progress: Progress | None = None,
) -> list[RunResult]:
    """Run every slot of these jobs that is due at ``now``, job by job, in order; what came of it.

    A job is asked again after its slots ran, so that missed slots are caught up one by one.
    Paused jobs are left out.
    """
    with state.database.read() as session:
        paused = service.list_paused(session)
    results: list[RunResult] = []
    for job in jobs:
        if job.name not in paused:
            _run_job(state, job, now, lambda result: _note(results, result, progress))
    return results


def _note(results: list[RunResult], result: RunResult, progress: Progress | None) -> None:
    results.append(result)
    if progress is not None:
        progress(result)


def _run_job(state: State, job: Job, now: datetime, note: Progress) -> None:
    for _ in range(MAX_ROUNDS):
        ran = 0
        for slot in _list_due(state, job, now):
            with state.database.write() as session:
                claimed = slots.claim(session, job, slot, owner_name(), state.clock())
            if claimed is not None:
                note(_run_claim(state, job, claimed))
                ran += 1
        if not ran:
            return


def _list_due(state: State, job: Job, now: datetime) -> list[Slot]:
    try:
        with state.database.read() as session:
            return job.due(state, session, now)
    except Exception:  # the other jobs must survive a job that cannot even say what is due
        structlog.get_logger().exception("job_due_failed", job=job.name)
        return []


def _run_claim(state: State, job: Job, claimed: Claim) -> RunResult:
    log = structlog.get_logger().bind(job=job.name, scope=claimed.scope, slot=str(claimed.slot_at))
    began = time.monotonic()
    error = ""
    try:
        job.run(state, claimed)
    except Exception as failure:  # the ticker and the other jobs must survive any job
        error = f"{type(failure).__name__}: {failure}"
        log.exception("job_failed", epoch=claimed.epoch)
    with state.database.write() as session:
        kept = slots.finish(session, claimed, state.clock(), error)
    outcome = ("failed" if error else "done") if kept else "lost"
    seconds = time.monotonic() - began
    log.debug("job_ran", outcome=outcome, seconds=round(seconds, 3))
    return RunResult(job.name, claimed.scope, claimed.slot_at, outcome, error, seconds)
