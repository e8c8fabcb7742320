"""Results that only some designs have. Part of a readout; see ``results``."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FactorEffect:
    """What one factor does, the others averaged out; or how two of them change each other.

    Of two factors: the first one's effect at the second one's level less that at its reference.
    """

    metric: str
    factors: tuple[str, ...]  # titles: one for a main effect, two for an interaction
    levels: tuple[str, ...]  # titles, one a factor
    references: tuple[str, ...]  # likewise: what the levels are compared with
    effect: float | None = None  # in the metric's unit; None: see why_not
    se: float | None = None
    df: float | None = None
    low: float | None = None  # at this look's level, each by itself
    high: float | None = None
    p_value: float | None = None
    why_not: str = ""

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "FactorEffect":
        """The effect, from plain JSON values."""
        names = {name: tuple(plain[name]) for name in ("factors", "levels", "references")}
        return cls(**{**plain, **names})


@dataclass(frozen=True)
class OnCompliers:
    """The effect on those who took a treatment up because it was offered; not on everybody."""

    metric: str
    variant: str
    take_up_control: float  # share of the control that did what shows take-up
    take_up: float  # likewise of the treatment
    effect: float | None = None  # in the metric's unit; None: see why_not
    low: float | None = None  # None beside an effect: unbounded
    high: float | None = None
    why_not: str = ""
