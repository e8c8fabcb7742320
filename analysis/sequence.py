"""What one look may conclude, and how the primaries stand at it. Part of a readout."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CoPrimaryLook:
    """What one co-primary's leading treatment showed at this look, against its own boundary."""

    metric: str  # key
    information_fraction: float  # of what its own minimum effect asks for
    boundary_z: float
    z: float  # positive is the good direction
    crossed: bool
    harm_low: float  # always-valid upper bound of the effect; good direction positive
    harm: bool  # of any treatment: the bound is below 0


@dataclass(frozen=True)
class Sequential:
    """What this look may conclude, given the looks before it (Lan-DeMets, O'Brien-Fleming)."""

    look: int
    looks_planned: int
    information_fraction: float  # of the planned information; above 1: more precise than planned
    alpha_spent: float  # cumulative, two-sided
    boundary_z: float  # |z| that the primary must pass at this look
    z: float  # of the primary's leading treatment, positive is the good direction
    crossed: bool
    harm_low: float  # always-valid upper bound of the effect; good direction positive
    harm: bool  # the bound is below 0, so "no harm" is excluded: ROLL BACK is valid at any time
    days_left: float | None = None  # at the present pace, from precision and never from the effect
    days_left_low: float | None = None  # 90 %, from how the last days differ
    days_left_high: float | None = None  # None beside a number: the pace may be nothing
    predictive_power: float | None = None  # of the primary's leading treatment; None: not asked
    co_primaries: tuple[CoPrimaryLook, ...] = ()  # beside the primary, which all above is about

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Sequential":
        """The look, from plain JSON values."""
        co_primaries = tuple(CoPrimaryLook(**each) for each in plain.get("co_primaries", ()))
        return cls(**{**plain, "co_primaries": co_primaries})
