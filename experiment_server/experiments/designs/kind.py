"""What every kind of design answers: which variants there are, and who gets which one now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from experiment_server.metrics.models import Metric
from experiment_server.problems import FieldError

Design = Mapping[str, Any]
"""The columns of an experiment that say what it is."""

MOST_VARIANTS: Final = 20


@dataclass(frozen=True)
class Arm:
    """What a unit is assigned to, for as long as the phase lasts."""

    key: str
    weight: float  # the share of the units, 0-1


@dataclass(frozen=True)
class Split:
    """How an experiment shares its units out at one time."""

    variants: Sequence[Mapping[str, Any]]
    """{key, title, payload} of everything that a unit may meet in this phase."""

    arms: Sequence[Arm]
    now: Mapping[str, int]
    """For each arm the index of the variant that it meets now; empty when the design is over."""

    remembers: bool = True  # whether an SDK may keep a unit at the variant that it met first

    @property
    def is_over(self) -> bool:
        """Whether nobody takes part any longer."""
        return not self.now

    def weights(self, only: str | None = None) -> list[float]:
        """Each variant's share of the units now, or of the units that a list assigns to one arm."""
        shares = [0.0] * len(self.variants)
        for arm in self.arms:
            if only in (None, arm.key):
                shares[self.now.get(arm.key, 0)] += arm.weight if only is None else 1.0
        return shares


@dataclass(frozen=True)
class Kind:
    """One kind of design: a row of ``DESIGNS``."""

    name: str
    is_asked: Callable[[Design], bool]
    errors: Callable[[Design, Mapping[str, Metric]], list[FieldError]]
    complete: Callable[[Design], dict[str, Any]]
    """The columns made whole; asked only when there are no errors."""

    split: Callable[[Design, timedelta], Split]
    """How units are shared out so long after the phase's start."""

    turns: Callable[[Design], tuple[timedelta, ...]]
    """How long after the start the split changes by itself."""

    schedule: Callable[[Design], dict[str, int]]
    """What the kind changes in the default schedule of looks."""

    structure: Callable[[Design], dict[str, Any]]
    """What an analysis has to know besides the variants."""


@dataclass(frozen=True)
class Moment:
    """When a phase is compiled for delivery, and who is on its lists."""

    since_start: timedelta
    listed: Mapping[str, Sequence[str]]  # arm -> units, in a fixed order

    @classmethod
    def of(
        cls, started_at: datetime, now: datetime, listed: Mapping[str, Sequence[str]]
    ) -> "Moment":
        """The moment ``now`` of a phase."""
        return cls(max(now - started_at, timedelta(0)), listed)


START: Final = Moment(timedelta(0), {})


def key_errors(keys: Sequence[str], field: str) -> list[FieldError]:
    """Keys that stand there twice; ``field`` has a place for the index: ``variants[{}].key``."""
    return [
        FieldError(field.format(index), repr(key), "a key of its own", "Name each one once.")
        for index, key in enumerate(keys)
        if key in keys[:index]
    ]


def never(_design: Design) -> tuple[timedelta, ...]:
    """A split that stays as it is."""
    return ()
