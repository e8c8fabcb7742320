"""Scheduled looks: each planned look is read once, missed ones in order.

An hour before, its roll-up is brought up to date, so that the look itself reads the last hour.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session

from experiment_server.environments.service import load_environment
from experiment_server.readouts.looks import list_due
from experiment_server.readouts.read import read_look
from experiment_server.readouts.rollups import prepare
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


JOBS: Final = (
    Job("rollup", "Make roll-ups ready before planned looks", _due_rollups, _prepare, lease_s=3600),
    Job("look", "Read experiments at their planned looks", _due, _run, lease_s=900),
)
