"""Norms: the frozen scale of the Energize Score.

A half-saturation constant is what an ordinary active learner does in one window: the median among
active learners over a calibration window that ends before the experiment starts. A version never
changes; a new calibration is a new version.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps
from math import isclose, isfinite
from typing import Any, Final

from ibis.expr import types as ir

from analysis.energize.facts import COUNTS, learner_facts
from analysis.kinds import NOT_PRESENCE, OUTCOME_PREFIX
from analysis.lake.reader import Lake

NORMS_FORMAT: Final = 1
FORMULA: Final = "energize-1"

WEIGHTS: Final[dict[str, float]] = {
    "retention": 0.35,
    "activity": 0.35,
    "incentive": 0.15,
    "community": 0.15,
}
COMPONENTS: Final = tuple(WEIGHTS)

# Which counts a component is made of; it exists when the program has at least one of them.
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "retention": ("active_days",),
    "activity": ("challenges", "course_units"),
    "incentive": ("claims",),
    "community": ("peer_actions",),
}

# Where most active learners did nothing of a kind, the median is 0 and would make one action worth
# everything. So no constant is below one: a single action is worth at most half of its part.
FLOOR: Final = 1.0

# For a program without history: what a learner does who comes twice a week.
STARTING_HALF_SATURATION: Final = {
    "active_days": 8.0,
    "challenges": 4.0,
    "course_units": 8.0,
    "claims": 2.0,
    "peer_actions": 4.0,
}


@dataclass(frozen=True)
class Norms:
    """One version of the score: its scale, its weights, and where they come from."""

    version: str
    window_days: int  # the constants are what is done in so many days
    half_saturation: Mapping[str, float]  # count -> constant; a count that is absent plays no part
    weights: Mapping[str, float]  # component -> share, sum 1; 0: the program has no such component
    calibrated_from: str  # ISO time
    calibrated_to: str  # ISO time, not included
    n_learners: int = 0  # active learners in the calibration window
    floored: tuple[str, ...] = ()  # constants whose median lay below the floor
    formula: str = field(default=FORMULA)

    def __post_init__(self) -> None:
        """Refuse a scale that would not give 0 to 100.

        Raises:
            ValueError: names the field, what was found and what would be right.
        """
        if self.window_days < 1:
            raise ValueError(f"window_days: found {self.window_days}, expected at least 1")
        for name, constant in self.half_saturation.items():
            if not (isfinite(constant) and constant > 0):
                raise ValueError(f"half_saturation.{name}: found {constant}, expected above 0")
        if set(self.weights) != set(COMPONENTS) or min(self.weights.values()) < 0:
            raise ValueError(
                f"weights: found {dict(self.weights)}, expected one of at least 0 for each of "
                f"{', '.join(COMPONENTS)}"
            )
        if not isclose(sum(self.weights.values()), 1.0, abs_tol=1e-9):
            raise ValueError(f"weights: they add up to {sum(self.weights.values())}, expected 1")
        for component, weight in self.weights.items():
            if weight and not self.parts(component):
                raise ValueError(
                    f"weights.{component}: found {weight}, but there is no half_saturation for "
                    f"{' or '.join(PARTS[component])}; add one or set the weight to 0"
                )

    def parts(self, component: str) -> tuple[str, ...]:
        """The counts that make up a component in this program."""
        return tuple(part for part in PARTS[component] if part in self.half_saturation)

    @property
    def components(self) -> tuple[str, ...]:
        """The components that this program has."""
        return tuple(name for name in COMPONENTS if self.weights[name] > 0)

    def constant(self, part: str, window_days: int) -> float:
        """A count's half-saturation constant in a window of another length: the same pace."""
        return self.half_saturation[part] * window_days / self.window_days

    def to_json(self) -> dict[str, Any]:
        """The norms as plain JSON values."""
        plain = asdict(self)
        plain["floored"] = list(self.floored)
        return {"format": NORMS_FORMAT, **plain}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Norms":
        """The norms that ``to_json`` wrote.

        Raises:
            ValueError: the format is not the one this version reads, or the scale is not sound.
        """
        if plain.get("format") != NORMS_FORMAT:
            raise ValueError(f"norms format: found {plain.get('format')!r}, expected 1")
        values = {name: value for name, value in plain.items() if name != "format"}
        return cls(**{**values, "floored": tuple(values["floored"])})


def calibrate(
    lake: Lake, until: datetime, window_days: int = 28, version: str | None = None
) -> Norms:
    """The scale on which this program's learners are measured from ``until`` on.

    Args:
        lake: the program's history.
        until: end of the calibration window, not included; before the experiment starts.
        window_days: length of the window; the score's windows are best as long.
        version: the version's name; None: made from the formula, the day and the constants.

    Raises:
        ValueError: nobody was active in the calibration window.
    """
    start = until - timedelta(days=window_days)
    facts = learner_facts(lake, start, window_days)
    found = _medians(facts.filter(facts.active_days > 0))
    if not found["n_learners"]:
        raise ValueError(
            f"until: no learner was active in the {window_days} days before {until.isoformat()}; "
            "choose a time with history before it, or start with starting_norms(until)"
        )
    existing = ["active_days", *(count for count in COUNTS if found[f"total_{count}"] > 0)]
    half_saturation = {name: max(float(found[name]), FLOOR) for name in existing}
    return _named(
        version,
        until,
        window_days,
        half_saturation=half_saturation,
        n_learners=int(found["n_learners"]),
        floored=tuple(name for name in existing if found[name] < FLOOR),
    )


def history_begins(lake: Lake) -> datetime | None:
    """When learners first did something here; outcomes are no doing. None: they never did."""
    events = lake.table("events")
    done = events.filter(events.kind.notin(NOT_PRESENCE), ~events.kind.startswith(OUTCOME_PREFIX))
    row = done.aggregate(first=done.occurred_at.min()).to_pyarrow().to_pylist()[0]
    first: datetime | None = row["first"]
    return first


def starting_norms(until: datetime, window_days: int = 28, version: str | None = None) -> Norms:
    """Published constants for a program that has no history yet; calibrate when it has."""
    pace = window_days / 28
    scale = {name: max(k * pace, FLOOR) for name, k in STARTING_HALF_SATURATION.items()}
    return _named(version, until, window_days, half_saturation=scale, n_learners=0, floored=())


def _medians(facts: ir.Table) -> dict[str, Any]:
    names = ("active_days", *COUNTS)
    aggregates = {name: facts[name].median().cast("float64") for name in names}
    totals = {f"total_{count}": facts[count].sum() for count in COUNTS}
    row = facts.aggregate(n_learners=facts.count(), **aggregates, **totals).to_pyarrow()
    found: dict[str, Any] = row.to_pylist()[0]
    return found


def existing_weights(half_saturation: Mapping[str, float]) -> dict[str, float]:
    """The default weights over the components that the program has, adding up to 1."""
    kept = {
        name: weight if any(part in half_saturation for part in PARTS[name]) else 0.0
        for name, weight in WEIGHTS.items()
    }
    total = sum(kept.values())
    return {name: weight / total for name, weight in kept.items()}


def _named(
    version: str | None,
    until: datetime,
    window_days: int,
    *,
    half_saturation: dict[str, float],
    n_learners: int,
    floored: tuple[str, ...],
) -> Norms:
    start = until - timedelta(days=window_days)
    weights = existing_weights(half_saturation)
    content = dumps([FORMULA, window_days, half_saturation, weights], sort_keys=True)
    day = until.date().isoformat()
    return Norms(
        version=version or f"{FORMULA}-{day}-{sha256(content.encode()).hexdigest()[:8]}",
        window_days=window_days,
        half_saturation=half_saturation,
        weights=weights,
        calibrated_from=start.isoformat(),
        calibrated_to=until.isoformat(),
        n_learners=n_learners,
        floored=floored,
    )
