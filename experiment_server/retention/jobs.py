"""Removing what is past its time, daily."""

from datetime import datetime
from typing import Final

import structlog
from sqlmodel import Session, select

from experiment_server.environments.models import Environment
from experiment_server.environments.service import load_environment
from experiment_server.retention import service
from experiment_server.retention.models import RetentionRule
from experiment_server.schedule.grid import latest_daily
from experiment_server.schedule.job import Claim, Job, Slot
from experiment_server.state import State


def _due(_state: State, session: Session, now: datetime) -> list[Slot]:
    ruled = select(Environment.key).where(RetentionRule.environment_id == Environment.id)
    return [Slot(key, latest_daily(now, hour=2)) for key in sorted(set(session.exec(ruled)))]


def _run(state: State, claim: Claim) -> None:
    with state.database.read() as session:
        environment = load_environment(session, claim.scope)
    removed = service.apply(state, environment, claim.slot_at)
    structlog.get_logger().info("retention", environment=claim.scope, **removed)


JOBS: Final = (Job("retain", "Remove what is past its retention, daily", _due, _run, lease_s=1800),)
