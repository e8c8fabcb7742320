"""Partial pooling: what each segment's effect is, given how alike the segments turn out to be.

    estimate_j ~ N(theta_j, se_j^2)
    theta_j = mu + sum over factors of a_factor[level of j] + cell_j
    mu ~ N(mean, mean_sd^2),  a_f ~ N(0, tau_f^2),  cell ~ N(0, tau_0^2),  tau ~ half-normal

Given the taus everything is normal and exact, so only the taus need numbers: one of them is a grid
of 160, several are a product rule or NUTS (``pooled_by_sampling``).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .mixtures import Mixtures, weighted_quantiles
from .sampler import Diagnostics, Effort, Sampled, sample
from .segments import Scales, Segments

Floats = npt.NDArray[np.float64]

TAU_POINTS: Final = 160
POINTS_PER_TAU: Final = 16
MOST_LEVELS: Final = 16
"""Levels of all factors together in the model that is kept compiled."""

MOST_FACTORS: Final = 2

ALL: Final = "all"
"""Stands for the name of the common effect."""

_EXACTLY: Final = "Exact on a grid of spreads."
_UNLIKELY = 1e-9
_FARTHEST_TAU = 4.5  # in the half-normal's scale: 7e-6 of it lie beyond
_FARTHEST_FLAT = 30.0  # in the estimates' spread, when the taus' prior is flat
_DRAWS = 4_000


@dataclass(frozen=True)
class Pooled:
    """One segment's effect after pooling."""

    name: str
    mean: float
    sd: float
    low: float  # 95 %, equal-tailed
    high: float
    p_better: float


@dataclass(frozen=True, eq=False)
class Pooling:
    """All segments after pooling, and how it was done."""

    segments: tuple[Pooled, ...]
    common: Pooled  # mu
    taus: dict[str, tuple[float, float, float]]  # factor or "segment" -> mean, 95 % interval
    draws: Floats  # (n, J): joint draws of the segments' effects; none where not asked for
    method: str  # grid | nuts
    note: str  # what a reader should know of the method
    diagnostics: Diagnostics | None = None


def pool_apart(segments: Segments, scales: Scales, sign: int = 1) -> Pooling:
    """The effects of segments without factors, each by itself: no draws, so nothing is random.

    The same as ``pool`` in a fraction of its time, and the spread of segments is exact as well.

    Raises:
        ValueError: the segments have factors.
    """
    if segments.levels:
        found = ", ".join(segments.levels)
        raise ValueError(
            f"segments: found factors {found}, expected none; use pool for joint draws"
        )
    exact = _Exact(segments, scales)
    taus, chance = _chances(segments, scales, exact)
    low, high = weighted_quantiles(taus[:, 0], chance, (0.025, 0.975))
    spread = float(chance @ taus[:, 0]), low, high
    pooled = _pooled(segments, _mixtures(exact, taus[:, 0], chance), sign)
    nothing = np.zeros((0, len(segments.names)))
    return Pooling(pooled[1:], pooled[0], {"segment": spread}, nothing, "grid", _EXACTLY)


def pool(
    segments: Segments, scales: Scales, seed: int = 0, sign: int = 1, note: str = ""
) -> Pooling:
    """The segments' effects, exactly up to a grid over the taus.

    Args:
        segments: estimates with their standard errors, independent of each other.
        scales: the prior.
        seed: of the joint draws; means, sds and intervals come from them only when there are
            factors.
        sign: 1 when more is better, -1 when less is better.
        note: why the grid was taken; the default says that it is exact.
    """
    exact = _Exact(segments, scales)
    taus, chance = _chances(segments, scales, exact)
    rng = np.random.default_rng(seed)
    chosen = taus[rng.choice(len(taus), _DRAWS, p=chance)]
    found = (*exact.draw(chosen, rng), chosen)
    how = _How("grid", note or _EXACTLY)
    if taus.shape[1] > 1:
        return _summary(segments, found, sign, how)
    beliefs = _mixtures(exact, taus[:, 0], chance)
    return _summary(segments, found, sign, how, beliefs)


def _chances(segments: Segments, scales: Scales, exact: "_Exact") -> tuple[Floats, Floats]:
    """Points of the taus, and the posterior chance of each."""
    taus, log_prior = _grid(segments, scales)
    log = exact.log_evidence(taus) + log_prior
    chance = np.exp(log - log.max())
    return taus, chance / chance.sum()


def _mixtures(exact: "_Exact", tau: Floats, chance: Floats) -> Mixtures:
    """Without factors nothing needs drawing: the common effect first, then each segment's."""
    keep, centre, sd, error = exact.given(tau)
    likely = chance > _UNLIKELY * chance.max()
    weights = chance[likely] / chance[likely].sum()
    means = np.column_stack([centre, keep * exact.y + (1 - keep) * centre[:, None]])
    sds = np.column_stack([sd, np.sqrt(error**2 + ((1 - keep) * sd[:, None]) ** 2)])
    return Mixtures(weights, means[likely] + exact.scales.mean, sds[likely])


def _grid(segments: Segments, scales: Scales) -> tuple[Floats, Floats]:
    """Points of the taus, (G, 1 + factors), and the log of prior times width of each."""
    n_taus = 1 + len(segments.levels)
    spread = float(np.std(segments.effects) + np.mean(segments.ses))
    flat = not np.isfinite(scales.tau)
    top = _FARTHEST_FLAT * spread if flat else _FARTHEST_TAU * scales.tau
    nodes, masses = _legendre(TAU_POINTS if n_taus == 1 else POINTS_PER_TAU)
    # Squared: points crowd near 0, where a posterior of few segments has its mass.
    unit, width = ((nodes + 1) / 2) ** 2, (nodes + 1) * masses / 2
    axis, log_axis = top * unit, np.log(width)
    if not flat:
        log_axis = log_axis - 0.5 * (axis / scales.tau) ** 2
    taus = np.stack(np.meshgrid(*[axis] * n_taus, indexing="ij"), -1).reshape(-1, n_taus)
    logs = np.stack(np.meshgrid(*[log_axis] * n_taus, indexing="ij"), -1).reshape(-1, n_taus)
    return taus, logs.sum(axis=1)


@lru_cache(maxsize=4)
def _legendre(points: int) -> tuple[Floats, Floats]:
    return np.polynomial.legendre.leggauss(points)


class _Exact:
    """What is normal given the taus: evidence, and draws of the segments' effects."""

    def __init__(self, segments: Segments, scales: Scales) -> None:
        self.y = np.asarray(segments.effects, dtype=np.float64) - scales.mean
        self.v = np.asarray(segments.ses, dtype=np.float64) ** 2
        self.scales = scales
        self.same = np.stack([np.eye(len(self.y)), *segments.same_level()])  # (F, J, J)

    def _prior(self, taus: Floats) -> Floats:
        """The prior covariance of the effects around mu, (G, J, J)."""
        return np.asarray(np.tensordot(taus**2, self.same, axes=1))

    def _solved(self, taus: Floats) -> tuple[Any, Any, Any, Any]:
        """Per point: inverse of spread plus error, its log determinant, and mu's posterior."""
        total = self._prior(taus) + np.diag(self.v)
        inverse = np.linalg.inv(total)
        log_det = np.linalg.slogdet(total)[1]
        row = inverse.sum(axis=1)
        precision = row.sum(axis=1) + self.scales.mean_sd**-2
        return inverse, log_det, precision, (row @ self.y) / precision

    def log_evidence(self, taus: Floats) -> Floats:
        """The log of p(estimates | taus), up to a constant."""
        if taus.shape[1] == 1:
            return self._log_evidence_of_one(taus[:, 0])
        found = []
        for part in np.array_split(taus, max(1, len(taus) // 512)):
            inverse, log_det, precision, centre = self._solved(part)
            fit = np.einsum("j,gjk,k->g", self.y, inverse, self.y)
            found.append(-0.5 * (log_det + np.log(precision) + fit - precision * centre**2))
        return np.concatenate(found)

    def _log_evidence_of_one(self, tau: Floats) -> Floats:
        w = 1 / (self.v + tau[:, None] ** 2)
        precision = w.sum(axis=1) + self.scales.mean_sd**-2
        centre = w @ self.y / precision
        return np.asarray(
            0.5 * (np.log(w).sum(axis=1) - np.log(precision))
            - 0.5 * (w @ self.y**2 - precision * centre**2)
        )

    def draw(self, taus: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Exact joint draws of effects (n, J) and mu (n,), one for each row of taus.

        By Matheron's rule: a draw from the prior, and of the estimates it would give, is moved by
        what the real estimates say beyond them. No covariance is decomposed.
        """
        n, j = len(taus), len(self.y)
        if taus.shape[1] == 1:
            return self._draw_of_one(taus[:, 0], rng)
        mu = np.empty(n)
        effects = np.empty((n, j))
        for part in np.array_split(np.arange(n), max(1, n * j * j // 2_000_000)):
            prior = self._prior(taus[part])
            inverse, _, precision, centre = self._solved(taus[part])
            mu[part] = centre + rng.standard_normal(len(part)) / np.sqrt(precision)
            around = self._prior_draw(taus[part], rng)
            seen = around + rng.standard_normal(around.shape) * np.sqrt(self.v)
            gap = self.y - mu[part, None] - seen
            moved = np.einsum("gij,gjk,gk->gi", prior, inverse, gap, optimize=True)
            effects[part] = mu[part, None] + around + moved
        return effects + self.scales.mean, mu + self.scales.mean

    def given(self, tau: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Without factors, per tau: how much of itself each keeps, mu's mean and sd, errors."""
        w = 1 / (self.v + tau[:, None] ** 2)
        precision = w.sum(axis=1) + self.scales.mean_sd**-2
        keep = tau[:, None] ** 2 * w
        centre = np.asarray(w @ self.y / precision)
        return keep, centre, np.asarray(precision**-0.5), np.sqrt(keep * self.v)

    def _draw_of_one(self, tau: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        keep, centre, sd, error = self.given(tau)
        mu = centre + sd * rng.standard_normal(len(tau))
        effects = keep * self.y + (1 - keep) * mu[:, None]
        effects += error * rng.standard_normal(effects.shape)
        return effects + self.scales.mean, mu + self.scales.mean

    def _prior_draw(self, taus: Floats, rng: np.random.Generator) -> Floats:
        found = np.zeros((len(taus), len(self.y)))
        for f, same in enumerate(self.same):
            groups = np.unique(same, axis=0)  # (levels, J): one row a level
            found += taus[:, f, None] * (rng.standard_normal((len(taus), len(groups))) @ groups)
        return found


@dataclass(frozen=True)
class _How:
    method: str
    note: str
    diagnostics: Diagnostics | None = None


def _summary(
    segments: Segments,
    found: tuple[Floats, Floats, Floats],
    sign: int,
    how: _How,
    beliefs: Mixtures | None = None,
) -> Pooling:
    draws, common, taus = found
    if beliefs is not None:
        pooled = _pooled(segments, beliefs, sign)
    else:
        names, columns = (ALL, *segments.names), np.column_stack([common, draws])
        pooled = tuple(_of_draws(*each, sign) for each in zip(names, columns.T, strict=True))
    return Pooling(
        segments=pooled[1:],
        common=pooled[0],
        taus={
            name: (
                float(tau.mean()),
                float(np.quantile(tau, 0.025)),
                float(np.quantile(tau, 0.975)),
            )
            for name, tau in zip(("segment", *segments.levels), taus.T, strict=True)
        },
        draws=draws,
        method=how.method,
        note=how.note,
        diagnostics=how.diagnostics,
    )


def _pooled(segments: Segments, beliefs: Mixtures, sign: int) -> tuple[Pooled, ...]:
    """The common effect, then each segment's."""
    above = beliefs.above(0.0)
    better = above if sign > 0 else 1 - above
    low, high = beliefs.quantiles((0.025, 0.975))
    columns = [each.tolist() for each in (beliefs.mean, beliefs.sd, low, high, better)]
    return tuple(Pooled(*row) for row in zip((ALL, *segments.names), *columns, strict=True))


def _of_draws(name: str, draws: Floats, sign: int) -> Pooled:
    low, high = np.quantile(draws, [0.025, 0.975])
    better = float((sign * draws > 0).mean())
    return Pooled(name, float(draws.mean()), float(draws.std()), float(low), float(high), better)


# --- by sampling


def pool_by_sampling(
    segments: Segments, scales: Scales, seed: int, sign: int = 1, effort: Effort | None = None
) -> Pooling:
    """The segments' effects by NUTS over the taus, mu and the levels; the segments are exact.

    Where the chains have not mixed, the grid answers and says so.
    """
    n_levels = sum(len(set(each)) for each in segments.levels.values())
    if n_levels > MOST_LEVELS or len(segments.levels) > MOST_FACTORS:
        return pool(
            segments,
            scales,
            seed,
            sign,
            f"By the grid: {len(segments.levels)} factors with {n_levels} levels are more than the"
            f" kept model holds ({MOST_FACTORS} and {MOST_LEVELS}).",
        )
    sampled = sample(("segments",), build_model, model_data(segments, scales), seed, effort)
    if not sampled.diagnostics.trusted:
        return pool(
            segments,
            scales,
            seed,
            sign,
            f"By the grid: the chains have not mixed ({sampled.diagnostics.sentence}).",
        )
    found = _draws_of_segments(segments, scales, sampled, np.random.default_rng(seed))
    note = f"By NUTS: {sampled.diagnostics.sentence}."
    return _summary(segments, found, sign, _How("nuts", note, sampled.diagnostics))


def build_model() -> Any:
    """The model with the segments' own parts integrated out; any number of segments fits it.

    Levels that a data set does not have keep their standard normal prior and touch nothing.
    """
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        y, v = pm.Data("y", np.zeros(2)), pm.Data("v", np.ones(2))
        belongs = pm.Data("belongs", np.zeros((2, MOST_LEVELS)))
        factor_of = pm.Data("factor_of", np.zeros((MOST_LEVELS, MOST_FACTORS)))
        precision = pm.Data("tau_precision", np.array(1.0))
        mean_sd = pm.Data("mean_sd", np.array(1.0))
        mu = pm.Normal("mu")  # in units of its prior's sd
        tau = pm.HalfFlat("tau")
        taus = pm.HalfFlat("taus", shape=MOST_FACTORS)
        level = pm.Normal("level", shape=MOST_LEVELS)
        centre = mu * mean_sd + pt.dot(belongs, level * pt.dot(factor_of, taus))
        total = v + tau**2
        pm.Potential("estimates", -0.5 * (pt.log(total) + (y - centre) ** 2 / total).sum())
        # Factors that a data set does not have get a half-normal of their own: flat would be none.
        absent = 1 - pt.clip(factor_of.sum(axis=0), 0, 1)
        pm.Potential("tau_prior", -0.5 * precision * tau**2)
        pm.Potential("taus_prior", -0.5 * (taus**2 * pt.maximum(precision, absent)).sum())
    return model


def model_data(segments: Segments, scales: Scales) -> dict[str, Floats]:
    """The model's data; effects and scales in units of the estimates' spread, mean taken off."""
    unit = _unit(segments)
    belongs = np.zeros((len(segments.names), MOST_LEVELS))
    factor_of = np.zeros((MOST_LEVELS, MOST_FACTORS))
    at = 0
    for f, levels in enumerate(segments.levels.values()):
        for level in sorted(set(levels)):
            belongs[:, at] = [each == level for each in levels]
            factor_of[at, f] = 1
            at += 1
    return {
        "y": (np.asarray(segments.effects) - scales.mean) / unit,
        "v": (np.asarray(segments.ses) / unit) ** 2,
        "belongs": belongs,
        "factor_of": factor_of,
        "tau_precision": np.array((unit / scales.tau) ** 2),
        "mean_sd": np.array(scales.mean_sd / unit),
    }


def _unit(segments: Segments) -> float:
    return float(np.std(segments.effects) + np.mean(segments.ses))


def _draws_of_segments(
    segments: Segments, scales: Scales, sampled: Sampled, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    data, values = model_data(segments, scales), sampled.values
    mu = values["mu"] * float(data["mean_sd"])
    sds = values["taus"] @ data["factor_of"].T
    centre = mu[:, None] + (values["level"] * sds) @ data["belongs"].T
    tau2 = values["tau"][:, None] ** 2
    keep = tau2 / (tau2 + data["v"])
    effects = keep * data["y"] + (1 - keep) * centre
    effects = effects + np.sqrt(keep * data["v"]) * rng.standard_normal(effects.shape)
    taus = np.column_stack([values["tau"], values["taus"][:, : len(segments.levels)]])
    unit = _unit(segments)
    return scales.mean + unit * effects, scales.mean + unit * mu, unit * taus
