"""What a domain hands to the schedule: jobs, their slots, and the claim on one slot."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from experiment_server.state import State


@dataclass(frozen=True)
class Slot:
    """One piece of work at one time: it is done once, whatever the number of servers."""

    scope: str  # which environment or experiment; "" when the job knows only one
    slot_at: datetime


@dataclass(frozen=True)
class Claim:
    """The right to run a slot, until somebody with a later epoch took it over."""

    run_id: int
    job: str
    slot: Slot
    epoch: int

    @property
    def scope(self) -> str:
        """Which environment or experiment."""
        return self.slot.scope

    @property
    def slot_at(self) -> datetime:
        """The slot's time: what the job sees as now."""
        return self.slot.slot_at


@dataclass(frozen=True)
class Job:
    """Scheduled work of one domain."""

    name: str
    title: str  # what it does, for people
    due: Callable[[State, Session, datetime], list[Slot]]
    """The slots to run by now, the next one of each scope; asked again after they ran."""
    run: Callable[[State, Claim], None]
    lease_s: float  # a run that takes longer is taken for dead and may be taken over
    quick: bool = False  # short, and never to wait until a long job has ended


@dataclass(frozen=True)
class RunResult:
    """How one slot's run ended."""

    job: str
    scope: str
    slot_at: datetime
    outcome: str  # done | failed | lost (taken over meanwhile)
    error: str
    seconds: float
