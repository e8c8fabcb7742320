"""Trust: what the checks look at, and the row that each check has in the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from analysis.contrast import Contrast
from analysis.normal import Z95
from analysis.results import CheckResult, NotEstimable
from analysis.statistics.collected import Statistic


@dataclass(frozen=True)
class Trust:
    """Everything that trust depends on, for a lake's experiment or for a table."""

    variants: tuple[str, ...]  # the control first
    weights: tuple[float, ...]  # planned shares
    unit_kind: Literal["learner", "team"]
    n_exposed: dict[str, int]  # units
    n_crossed: int
    primary: dict[str, Statistic]
    final: bool
    window_days: int | None = None  # None: a finished table
    as_of: datetime | None = None
    latest_received_at: datetime | None = None
    n_missing: dict[str, int] = field(default_factory=dict)  # table column -> rows left out
    arm: str = "variant"  # what a unit is assigned to; a crossover's: "order"
    carry_over: Mapping[str, Contrast | NotEstimable] | None = None  # treatment -> what lingers
    segments: dict[str, dict[str, int]] = field(default_factory=dict)  # label -> units per variant
    trend: dict[str, dict[str, Statistic]] = field(default_factory=dict)  # the primary, by ISO day
    boundary_z: float = Z95  # what the primary must pass at this look

    @property
    def units(self) -> str:
        """What was randomised, in words."""
        return "teams" if self.unit_kind == "team" else "learners"


@dataclass(frozen=True)
class Check:
    """One row of ``CHECKS``."""

    name: str
    title: str
    severity: Literal["stop", "warn"]
    run: Callable[[Trust], "Finding | None"]  # None: the check does not apply


@dataclass(frozen=True)
class Finding:
    """What a check found."""

    passed: bool
    sentence: str
    p_value: float | None = None
    details: dict[str, object] = field(default_factory=dict)
    severity: Literal["stop", "warn"] | None = None  # instead of the check's own


def result_of(check: Check, finding: Finding) -> CheckResult:
    """The finding as the readout keeps it."""
    return CheckResult(
        name=check.name,
        title=check.title,
        passed=finding.passed,
        severity=finding.severity or check.severity,
        sentence=finding.sentence,
        p_value=finding.p_value,
        details=dict(finding.details),
    )
