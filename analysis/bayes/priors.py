"""What past experiments say about the next one: how far effects of a metric tend to be from 0."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from .prior import Prior

Floats = npt.NDArray[np.float64]

FEWEST_EXPERIMENTS: Final = 5
"""With fewer past experiments their spread says less than the weakly informative prior."""

TAU_POINTS: Final = 400
COMPONENTS: Final = 9
"""Scales that a learned prior keeps; more do not move a posterior's fourth digit."""

_FARTHEST_TAU = 10.0
_WIDEST_SEARCH = 1e4


@dataclass(frozen=True)
class PastEffect:
    """One treatment's effect in an experiment that is over."""

    experiment: str
    effect: float  # in the metric's unit
    se: float


@dataclass(frozen=True)
class Spread:
    """How effects scatter: their mean and its error, and the sd of the true effects."""

    mean: float
    se: float
    tau: float


Method = Literal["REML", "DL", "EB"]


def heterogeneity(
    effects: Sequence[float], ses: Sequence[float], method: Method = "REML"
) -> Spread:
    """Mean and spread of the true effects behind estimates with known standard errors.

    Args:
        effects: at least two estimates of different experiments.
        ses: their standard errors, all > 0.
        method: REML (Viechtbauer 2005), DL (DerSimonian and Laird 1986) or EB (Paule and Mandel
            1982, the empirical Bayes estimator of Morris 1983).

    Raises:
        ValueError: fewer than two effects, lengths differ, or a standard error is not positive.
    """
    y, v = _checked(effects, ses)
    tau2 = _TAU_SQUARED[method](y, v)
    w = 1 / (v + tau2)
    return Spread(float(w @ y / w.sum()), float(w.sum() ** -0.5), float(tau2**0.5))


def _checked(effects: Sequence[float], ses: Sequence[float]) -> tuple[Floats, Floats]:
    y, se = np.asarray(effects, dtype=np.float64), np.asarray(ses, dtype=np.float64)
    if len(y) != len(se) or len(y) < 2:
        raise ValueError(
            f"effects and ses: found {len(y)} and {len(se)}; give one standard error for each of at"
            " least two effects, such as [1.2, 0.4] and [0.5, 0.6]"
        )
    if not (np.isfinite(y).all() and np.isfinite(se).all() and (se > 0).all()):
        raise ValueError("effects and ses: all must be finite, and every standard error above 0")
    return y, se**2


def _residuals(y: Floats, v: Floats, tau2: float) -> tuple[Floats, Floats]:
    w = 1 / (v + tau2)
    return w, y - w @ y / w.sum()


def _dersimonian_laird(y: Floats, v: Floats) -> float:
    w, residual = _residuals(y, v, 0.0)
    q = float(w @ residual**2)
    return max(0.0, (q - (len(y) - 1)) / float(w.sum() - (w**2).sum() / w.sum()))


def _paule_mandel(y: Floats, v: Floats) -> float:
    def excess(tau2: float) -> float:
        w, residual = _residuals(y, v, tau2)
        return float(w @ residual**2) - (len(y) - 1)

    return _first_root(excess, y, v)


def _reml(y: Floats, v: Floats) -> float:
    def score(tau2: float) -> float:
        """Twice the derivative of the restricted log-likelihood."""
        w, residual = _residuals(y, v, tau2)
        return float((w**2) @ residual**2 - w.sum() + (w**2).sum() / w.sum())

    return _best_root(score, y, v)


_TAU_SQUARED: Final[dict[Method, Callable[[Floats, Floats], float]]] = {
    "REML": _reml,
    "DL": _dersimonian_laird,
    "EB": _paule_mandel,
}


def _first_root(falling: Callable[[float], float], y: Floats, v: Floats) -> float:
    """Where a falling function of tau squared crosses 0; 0 when it starts below."""
    from scipy.optimize import brentq

    if falling(0.0) <= 0:
        return 0.0
    top = float(np.var(y)) + float(v.max())
    while falling(top) > 0:
        top *= 4
    return float(brentq(falling, 0.0, top, xtol=1e-14, rtol=1e-14))


def _best_root(score: Callable[[float], float], y: Floats, v: Floats) -> float:
    """The highest of the maxima whose slope is ``score``; the border 0 may be one."""
    from scipy.integrate import quad
    from scipy.optimize import brentq

    top = _FARTHEST_TAU * (float(np.var(y)) + float(v.max()))
    grid = np.concatenate([[0.0], np.geomspace(top / _WIDEST_SEARCH**2, top, 200)])
    slopes = np.array([score(tau2) for tau2 in grid])
    peaks = [0.0] if slopes[0] <= 0 else []
    peaks += [
        float(brentq(score, grid[i], grid[i + 1], xtol=1e-14, rtol=1e-14))
        for i in range(len(grid) - 1)
        if slopes[i] > 0 >= slopes[i + 1]
    ]
    best = peaks[0]
    for peak in peaks[1:]:
        if quad(score, best, peak, limit=200)[0] > 0:
            best = peak
    return best


def learn_prior(
    past: Sequence[PastEffect], tail: Literal["heavy", "normal"] = "heavy"
) -> Prior | None:
    """The prior that past effects of the same metric teach; None when there are too few.

    The mean is held at 0: history may say how large effects are, not that this one is good. The
    spread tau gets a flat prior (Gelman 2006), and its whole posterior is kept as a scale mixture
    of normals: five experiments leave tau uncertain, so the prior has heavy tails, which lighten as
    experiments come in. An experiment counts once: each of its m treatments weighs 1/m.

    Args:
        past: effects of experiments that ended before this one started.
        tail: ``normal`` puts one normal of the same variance in the mixture's place.
    """
    n_experiments = len({each.experiment for each in past})
    if n_experiments < FEWEST_EXPERIMENTS:
        return None
    y, v = _checked([each.effect for each in past], [each.se for each in past])
    taus, chance = tau_posterior(y, v, _weights(past))
    parts = _condense(taus, chance)
    sd = float(sum(weight * scale**2 for weight, scale in parts) ** 0.5)
    return Prior(
        sd=sd,
        source="learned",
        n_experiments=n_experiments,
        components=parts if tail == "heavy" else (),
    )


def _weights(past: Sequence[PastEffect]) -> Floats:
    names = [each.experiment for each in past]
    return np.array([1 / names.count(name) for name in names])


def tau_posterior(y: Floats, v: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The posterior of tau under a flat prior, for effects around 0: grid points and masses."""
    top = _FARTHEST_TAU * float(np.sqrt(weights @ (y**2 + v) / weights.sum()))
    taus = top * (np.arange(TAU_POINTS) + 0.5) ** 2 / TAU_POINTS**2
    width = top * (2 * np.arange(TAU_POINTS) + 1) / TAU_POINTS**2
    total = v + taus[:, None] ** 2
    log = -0.5 * (np.log(total) + y**2 / total) @ weights
    mass = np.exp(log - log.max()) * width
    return taus, mass / mass.sum()


def _condense(taus: Floats, chance: Floats) -> tuple[tuple[float, float], ...]:
    """A few (weight, sd) with the variance of the whole: the outer slices are thin."""
    edges = np.array([0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97, 0.995])
    slices = np.searchsorted(edges, np.cumsum(chance) - chance / 2)
    parts = []
    for i in range(COMPONENTS):
        inside = slices == i
        weight = float(chance[inside].sum())
        if weight > 0:
            variance = float(chance[inside] @ taus[inside] ** 2) / weight
            parts.append((weight, variance**0.5))
    return tuple(parts)
