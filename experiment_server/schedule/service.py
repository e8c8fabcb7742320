"""The schedule as people see and steer it: runs, failures, pauses."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.schedule.models import JobRun, PausedJob

KEEP_DAYS: Final = 30  # of finished runs; a failed run stays until it is retried


def list_paused(session: Session) -> frozenset[str]:
    """The jobs that do not run at present."""
    return frozenset(session.exec(select(PausedJob.job)))


def pause(session: Session, job: str, now: datetime) -> bool:
    """Stop a job from running; its slots wait. False: it was paused already."""
    if session.get(PausedJob, job) is not None:
        return False
    session.add(PausedJob(job=job, paused_at=now))
    return True


def resume(session: Session, job: str) -> bool:
    """Let a paused job run again, missed slots first. False: it was not paused."""
    paused = session.get(PausedJob, job)
    if paused is None:
        return False
    session.delete(paused)
    return True


def list_latest_runs(session: Session, jobs: Sequence[str]) -> dict[str, JobRun]:
    """The latest claimed run of each job that ever ran."""
    latest: dict[str, JobRun] = {}
    for job in jobs:
        run = session.exec(
            select(JobRun)
            .where(JobRun.job == job)
            .order_by(col(JobRun.claimed_at).desc(), col(JobRun.id).desc())
            .limit(1)
        ).first()
        if run is not None:
            latest[job] = run
    return latest


def list_failed_runs(session: Session) -> list[JobRun]:
    """The slots whose last attempt failed, oldest first."""
    failed = select(JobRun).where(JobRun.outcome == "failed").order_by(col(JobRun.slot_at))
    return list(session.exec(failed))


def forget_failures(session: Session, job: str) -> int:
    """Let a job's failed slots run again from the first attempt; gives how many."""
    forgotten = session.connection().execute(
        sa.delete(JobRun).where(col(JobRun.job) == job, col(JobRun.outcome) == "failed")
    )
    return int(forgotten.rowcount)


def forget_old_runs(session: Session, now: datetime) -> int:
    """Remove finished runs that nobody looks at any more; gives how many."""
    forgotten = session.connection().execute(
        sa.delete(JobRun)
        .where(col(JobRun.outcome) == "done")
        .where(col(JobRun.finished_at) < now - timedelta(days=KEEP_DAYS))
    )
    return int(forgotten.rowcount)
