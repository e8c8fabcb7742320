"""What past experiments say together: frozen, JSON, light enough for a page to import."""

from dataclasses import asdict, dataclass
from typing import Any

from analysis.results import NotEstimable

STRONG_ENOUGH = 10.0
"""The mean F statistic of the score's effects below which they are weak instruments (Staiger,
Stock 1997)."""


@dataclass(frozen=True)
class PooledEffect:
    """The mean effect of a group of experiments, in the metric's unit."""

    n_experiments: int
    mean: float
    se: float  # Hartung-Knapp
    low: float  # 95 %, of the mean
    high: float
    p_value: float
    tau: float  # sd of the true effects around their mean
    next_low: float  # 95 %, of the true effect of one more such experiment
    next_high: float
    q: float  # Cochran's; chi-squared with n - 1 degrees of freedom when all effects are equal
    q_p_value: float


@dataclass(frozen=True)
class SurrogateSlope:
    """KPI units per score point, over all experiments."""

    n_experiments: int
    slope: float
    low: float | None  # None: unbounded on this side
    high: float | None
    strength: float  # mean F of the score's effects: below 10 the slope is not to be trusted
    elsewhere: float  # sd of what experiments did to the KPI beside the score, in KPI units
    misfit: float  # Q with elsewhere = 0; chi-squared, n - 1 degrees of freedom if one line fits
    misfit_p_value: float

    @property
    def is_strong(self) -> bool:
        """Whether experiments moved the score enough to be used as instruments."""
        return self.strength >= STRONG_ENOUGH


@dataclass(frozen=True)
class Measure:
    """A metric, as far as words about it go."""

    key: str
    title: str
    unit_label: str = ""
    direction: str = "increase"


@dataclass(frozen=True)
class DomainEffect:
    """What the experiments of one domain did to the metric."""

    domain: str
    found: PooledEffect | NotEstimable


@dataclass(frozen=True)
class KpiSlope:
    """Whether what moved the metric moved this KPI."""

    kpi: Measure
    found: SurrogateSlope | NotEstimable


@dataclass(frozen=True)
class AcrossReport:
    """All that the experiments of an environment that are over say of one metric."""

    metric: Measure
    experiments: tuple[str, ...]  # those that measured it, oldest first
    overall: PooledEffect | NotEstimable
    domains: tuple[DomainEffect, ...]
    kpis: tuple[KpiSlope, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values; no NaN, no infinity."""
        return asdict(self)
