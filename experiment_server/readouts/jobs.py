"""Scheduled looks: each planned look is read once, missed ones in order.

An hour before, its roll-up is brought up to date, so that the look itself reads the last hour. The
lake is vacuumed here, because stored readouts say what has to stay.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlmodel import Session

from analysis.lake.compact import vacuum_all
from analysis.lake.tables import KEEP_DAYS
from experiment_server.environments.service import list_environments, load_environment
from experiment_server.ingest.sealing import lake_root
from experiment_server.readouts.looks import list_due
from experiment_server.readouts.read import read_look
from experiment_server.readouts.rollups import prepare
from experiment_server.readouts.service import list_lake_versions
from experiment_server.schedule.grid import latest_weekly
from experiment_server.schedule.job import Claim, Job, Slot
from experiment_server.state import State

_AHEAD: Final = timedelta(hours=1)


def _due(_state: State, session: Session, now: datetime) -> list[Slot]:
    return [Slot(due.scope, due.look.at) for due in list_due(session, now)]


def _run(state: State, claim: Claim) -> None:
    with state.database.read() as session:
        unread = list_due(session, claim.slot_at)
    for due in unread:
        if (due.scope, due.look.at) == (claim.scope, claim.slot_at):
            read_look(state, due, claim)
            return


def _due_rollups(_state: State, session: Session, now: datetime) -> list[Slot]:
    coming = list_due(session, now + _AHEAD)
    return [Slot(due.scope, due.look.at - _AHEAD) for due in coming]


def _prepare(state: State, claim: Claim) -> None:
    environment_key, _, experiment = claim.scope.partition("/")
    with state.database.read() as session:
        environment = load_environment(session, environment_key)
    prepare(state, environment, [experiment], claim.slot_at)


def _due_vacuums(_state: State, session: Session, now: datetime) -> list[Slot]:
    slot_at = latest_weekly(now, hour=4)
    return [Slot(environment.key, slot_at) for environment in list_environments(session)]


def _vacuum(state: State, claim: Claim) -> None:
    with state.database.read() as session:
        environment = load_environment(session, claim.scope)
        since = claim.slot_at - timedelta(days=KEEP_DAYS)
        named = list_lake_versions(session, environment, since)
    removed = vacuum_all(lake_root(state.settings.lake_dir, environment), named)
    structlog.get_logger().info("vacuumed", environment=claim.scope, files=removed)


JOBS: Final = (
    Job("rollup", "Make roll-ups ready before planned looks", _due_rollups, _prepare, lease_s=3600),
    Job("look", "Read experiments at their planned looks", _due, _run, lease_s=900),
    Job(
        "vacuum",
        "Remove replaced files of the lake that no readout was computed from, weekly",
        _due_vacuums,
        _vacuum,
        lease_s=1800,
    ),
)
