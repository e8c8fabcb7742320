"""Removing what is past its time: rows daily, the lake's replaced files weekly."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlmodel import Session, select

from analysis.lake.compact import vacuum_all
from analysis.lake.tables import KEEP_DAYS
from experiment_server.environments.models import Environment
from experiment_server.environments.service import list_environments, load_environment
from experiment_server.ingest.rewriting import rewriting
from experiment_server.ingest.sealing import lake_root
from experiment_server.readouts.service import list_lake_versions
from experiment_server.retention import service
from experiment_server.retention.models import RetentionRule
from experiment_server.schedule.grid import latest_daily, latest_weekly
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


def _due_vacuums(_state: State, session: Session, now: datetime) -> list[Slot]:
    slot_at = latest_weekly(now, hour=4)
    return [Slot(environment.key, slot_at) for environment in list_environments(session)]


def _vacuum(state: State, claim: Claim) -> None:
    with state.database.read() as session:
        environment = load_environment(session, claim.scope)
        since = claim.slot_at - timedelta(days=KEEP_DAYS)
        named = list_lake_versions(session, environment, since)
    with rewriting(state.database, int(environment.id or 0)):
        removed = vacuum_all(lake_root(state.settings.lake_dir, environment), named)
    structlog.get_logger().info("vacuumed", environment=claim.scope, files=removed)


JOBS: Final = (
    Job("retain", "Remove what is past its retention, daily", _due, _run, lease_s=1800),
    Job(
        "vacuum",
        "Remove replaced files of the lake that no readout was computed from, weekly",
        _due_vacuums,
        _vacuum,
        lease_s=1800,
    ),
)
