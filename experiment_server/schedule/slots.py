"""Slots, claimed by a unique row: who inserts it runs it; a dead owner's slot is taken over."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from experiment_server.schedule.job import Claim, Job, Slot
from experiment_server.schedule.models import JobRun

MAX_ATTEMPTS: Final = 8
FIRST_RETRY_S: Final = 5.0  # grows fourfold with each failed attempt: the last comes after a day
_ERROR_LENGTH: Final = 2_000
_INSERTS: Final[dict[str, Callable[..., Any]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class LeaseLostError(RuntimeError):
    """Another server took this slot over: what this one found must not be stored."""


def claim(session: Session, job: Job, slot: Slot, owner: str, now: datetime) -> Claim | None:
    """The right to run the slot, or None when it is done, held, or out of attempts.

    ``now`` is the real clock, also when the slot lies in the past: leases are about live servers.
    """
    lease_until = now + timedelta(seconds=job.lease_s)
    insert = _INSERTS[session.get_bind().dialect.name]
    fresh = insert(JobRun).values(
        job=job.name,
        scope=slot.scope,
        slot_at=slot.slot_at,
        epoch=1,
        owner=owner,
        claimed_at=now,
        lease_until=lease_until,
        outcome="",
        error="",
    )
    again = (
        sa.update(JobRun)
        .where(col(JobRun.job) == job.name, col(JobRun.scope) == slot.scope)
        .where(col(JobRun.slot_at) == slot.slot_at, col(JobRun.outcome) != "done")
        .where(col(JobRun.lease_until) <= now, col(JobRun.epoch) < MAX_ATTEMPTS)
        .values(epoch=JobRun.epoch + 1, owner=owner, claimed_at=now, lease_until=lease_until)
        .values(finished_at=None, outcome="", error="")
    )
    connection = session.connection()
    for statement in (fresh.on_conflict_do_nothing(), again):
        taken = connection.execute(
            statement.returning(col(JobRun.id), col(JobRun.epoch))
        ).one_or_none()
        if taken is not None:
            return Claim(taken.id, job.name, slot, taken.epoch)
    return None


def confirm(session: Session, claimed: Claim) -> None:
    """Call this in the transaction that stores a result: it fences a stale owner off.

    The row stays locked until the transaction ends, so nobody takes the slot over in between.

    Raises:
        LeaseLostError: the slot has a later epoch.
    """
    held = session.connection().execute(
        sa.update(JobRun)
        .where(col(JobRun.id) == claimed.run_id, col(JobRun.epoch) == claimed.epoch)
        .where(col(JobRun.finished_at).is_(None))
        .values(epoch=claimed.epoch)
    )
    if held.rowcount != 1:
        raise LeaseLostError(
            f"{claimed.job} {claimed.scope} {claimed.slot_at:%Y-%m-%d %H:%M}: another server took "
            "it over while this one was slow; this one's result is thrown away"
        )


def finish(session: Session, claimed: Claim, now: datetime, error: str = "") -> bool:
    """Record how the run ended; False when the slot was taken over and nothing was recorded.

    A failed slot may be claimed again after a while that grows with each attempt.
    """
    retry_s = FIRST_RETRY_S * 4.0 ** (claimed.epoch - 1)
    ended = session.connection().execute(
        sa.update(JobRun)
        .where(col(JobRun.id) == claimed.run_id, col(JobRun.epoch) == claimed.epoch)
        .values(
            finished_at=now,
            outcome="failed" if error else "done",
            error=error[:_ERROR_LENGTH].replace("\x00", ""),
            lease_until=now + timedelta(seconds=retry_s if error else 0),
        )
    )
    return ended.rowcount == 1
