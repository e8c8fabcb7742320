"""Surrogate: whether experiments that moved the score have moved the KPI, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize_scalar
from scipy.special import chdtrc, stdtrit

from analysis.across.results import SurrogateSlope
from analysis.results import NotEstimable

Floats = npt.NDArray[np.float64]

FEWEST = 5
_FARTHEST = 1e6


@dataclass(frozen=True)
class PairedEffect:
    """What one experiment did to the score and to the KPI, among the same learners."""

    experiment: str
    score: float
    score_se: float
    kpi: float
    kpi_se: float
    covariance: float = 0.0  # of the two estimates


@dataclass(frozen=True)
class _Line:
    """The experiments' effects as arrays, (n,) each."""

    x: Floats
    y: Floats
    vx: Floats
    vy: Floats
    shared: Floats

    def q(self, b: Floats | float, tau2: float) -> Floats:
        """How far the effects lie from the line through 0 with slope ``b``, in variances."""
        slopes = np.atleast_1d(np.asarray(b, dtype=np.float64))[:, None]
        spread = self.vy - 2 * slopes * self.shared + slopes**2 * self.vx + tau2
        return np.asarray(((self.y - slopes * self.x) ** 2 / spread).sum(axis=1))

    @property
    def scale(self) -> float:
        """A slope of the size that errors suggest: where a search may start."""
        return float(np.sqrt(self.vy.mean() / self.vx.mean()))

    def best(self, tau2: float) -> tuple[float, float]:
        """The slope with the lowest Q, and that Q."""
        starts = self.scale * np.tan(np.linspace(-np.pi / 2, np.pi / 2, 401)[1:-1])
        at = int(np.argmin(self.q(starts, tau2)))
        around = (starts[max(at - 1, 0)], starts[min(at + 1, len(starts) - 1)])
        found = minimize_scalar(
            lambda b: float(self.q(b, tau2)[0]),
            bounds=around,
            method="bounded",
            options={"xatol": 1e-12 * self.scale},
        )
        return float(found.x), float(found.fun)


def slope(effects: Sequence[PairedEffect], level: float = 0.95) -> SurrogateSlope | NotEstimable:
    """The KPI's effect per point of the score's effect, each experiment an instrument.

    Each experiment moved the score at random, so effects on both, compared *across experiments*,
    are free of what makes eager learners do well anyway. The line goes through 0; both effects have
    errors, which least squares would mistake for a flatter line. The slope minimises

        Q(b) = sum over experiments of (kpi - b score)² / (var(kpi - b score) + elsewhere²)

    (limited information maximum likelihood with known errors; Zhao, Wang, Hemani, Bowden, Small
    2020, sections 3 and 4). ``elsewhere`` is 0 where one line fits, else such that Q equals its
    degrees of freedom. The interval holds every b with Q(b) - Q(slope) below the square of the t
    quantile. Assumed: what experiments did to the KPI in other ways is unrelated to how much they
    moved the score.
    """
    k = len({effect.experiment for effect in effects})
    if k < FEWEST:
        return NotEstimable(
            f"{k} experiment{'s' if k != 1 else ''} measured both the score and this KPI",
            f"wait for at least {FEWEST}; name the KPI as a secondary metric in each",
        )
    line = _line(effects)
    if min(line.vx.min(), line.vy.min()) <= 0:
        return NotEstimable(
            "an effect has a standard error of 0",
            "leave out the experiment whose score or KPI does not vary",
        )
    n_free = len(effects) - 1
    misfit = line.best(0.0)[1]
    tau2 = _elsewhere(line, n_free)
    best, lowest = line.best(tau2)
    limit = lowest + float(stdtrit(n_free, (1 + level) / 2)) ** 2
    return SurrogateSlope(
        n_experiments=k,
        slope=best,
        low=_edge(line, tau2, best, limit, -line.scale),
        high=_edge(line, tau2, best, limit, line.scale),
        strength=float(np.mean(line.x**2 / line.vx)),
        elsewhere=tau2**0.5,
        misfit=misfit,
        misfit_p_value=float(chdtrc(n_free, misfit)),
    )


def _line(effects: Sequence[PairedEffect]) -> _Line:
    rows = np.array([(e.score, e.kpi, e.score_se**2, e.kpi_se**2, e.covariance) for e in effects])
    return _Line(*rows.T)


def _elsewhere(line: _Line, n_free: int) -> float:
    """The variance that makes Q as large as it should be; 0 when it is no larger."""

    def excess(tau2: float) -> float:
        return line.best(tau2)[1] - n_free

    if excess(0.0) <= 0:
        return 0.0
    top = float(line.y.var() + line.vy.max())
    while excess(top) > 0:
        top *= 4
    return float(brentq(excess, 0.0, top, rtol=1e-10))


def _edge(line: _Line, tau2: float, best: float, limit: float, step: float) -> float | None:
    """Where Q first passes the limit on one side; None when it never does."""

    def above(b: float) -> float:
        return float(line.q(b, tau2)[0]) - limit

    reach = step * 1e-3
    while above(best + reach) <= 0:
        reach *= 1.5
        if abs(reach) > _FARTHEST * abs(step):
            return None
    return float(brentq(above, best, best + reach))
