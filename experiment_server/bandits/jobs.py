"""Turning bandits: each batch is ended once, by whichever server claims its slot."""

from datetime import datetime
from typing import Final

from sqlmodel import Session

from experiment_server.bandits.service import list_running, slot_of, turn
from experiment_server.schedule.job import Job, Slot
from experiment_server.state import State


def _due(_state: State, session: Session, now: datetime) -> list[Slot]:
    slots = [slot_of(*row) for row in list_running(session)]
    return [slot for slot in slots if slot is not None and slot.slot_at <= now]


JOBS: Final = (Job("next_batch", "Move bandits to their next batch", _due, turn, lease_s=900),)
