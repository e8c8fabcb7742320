"""Scheduled looks: each planned look is read once, missed ones in order."""

from datetime import datetime
from typing import Final

from sqlmodel import Session

from experiment_server.readouts.looks import list_due
from experiment_server.readouts.read import read_look
from experiment_server.schedule.job import Claim, Job, Slot
from experiment_server.state import State


def _due(_state: State, session: Session, now: datetime) -> list[Slot]:
    return [Slot(due.scope, due.look.at) for due in list_due(session, now)]


def _run(state: State, claim: Claim) -> None:
    with state.database.read() as session:
        unread = list_due(session, claim.slot_at)
    for due in unread:
        if (due.scope, due.look.at) == (claim.scope, claim.slot_at):
            read_look(state, due, claim)
            return


JOBS: Final = (Job("look", "Read experiments at their planned looks", _due, _run, lease_s=900),)
