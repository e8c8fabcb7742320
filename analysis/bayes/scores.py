"""The 0-100 score in two questions: did learners engage at all, and how far when they did.

A score has a heap at 0, perhaps one at 100, and a spread between. Each part has its own law:

    engaged ~ Bernoulli(p),  full | engaged ~ Bernoulli(q)
    score / 100 | between ~ Beta(mean k, (1 - mean) k)

Five numbers a variant are sufficient, whatever the number of learners. The two shares are exact
(Beta); mean and k come from NUTS, or from a grid that is as good, one variant at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from .draws import eti
from .sampler import Diagnostics, Effort, sample

Floats = npt.NDArray[np.float64]

FULL: Final = 100.0
MOST_VARIANTS: Final = 4
"""Of the model that is kept compiled; more variants take the grid."""

CONCENTRATION: Final = (np.log(5.0), 1.5)
"""The log of k is normal: between 0.26 (heaps at both ends) and 95 (a narrow spike) in 95 %."""

_DRAWS = 4_000
_GRID = 81
_REACH = 7.0
_LAYINGS = 3


@dataclass(frozen=True)
class ScoreSums:
    """What is known of one variant's scores."""

    n: int
    n_zero: int
    n_full: int
    log_score: float  # sum of log(score / 100) over scores strictly between
    log_rest: float  # sum of log(1 - score / 100) over the same

    @property
    def n_between(self) -> int:
        """Learners strictly between 0 and 100."""
        return self.n - self.n_zero - self.n_full

    @classmethod
    def of(cls, scores: Floats) -> "ScoreSums":
        """The sums of scores already in memory.

        Raises:
            ValueError: a score is outside 0 to 100.
        """
        y = np.asarray(scores, dtype=np.float64) / FULL
        if not ((y >= 0) & (y <= 1)).all():
            raise ValueError("scores: all must be between 0 and 100; missing ones are left out")
        between = y[(y > 0) & (y < 1)]
        return cls(
            n=len(y),
            n_zero=int((y == 0).sum()),
            n_full=int((y == 1).sum()),
            log_score=float(np.log(between).sum()),
            log_rest=float(np.log1p(-between).sum()),
        )

    def __add__(self, other: "ScoreSums") -> "ScoreSums":
        """The sums over the learners of both."""
        return ScoreSums(
            self.n + other.n,
            self.n_zero + other.n_zero,
            self.n_full + other.n_full,
            self.log_score + other.log_score,
            self.log_rest + other.log_rest,
        )


@dataclass(frozen=True)
class Part:
    """One difference, treatment minus control."""

    mean: float
    sd: float
    low: float  # 95 %, equal-tailed
    high: float
    p_better: float


@dataclass(frozen=True)
class ScoreEffect:
    """What a treatment does to the score, taken apart."""

    variant: str
    engaged: Part  # share of learners with a score above 0
    if_engaged: Part  # points, among those with a score above 0
    overall: Part  # points, of everybody: what the two make together


@dataclass(frozen=True, eq=False)
class ScoreEffects:
    """All treatments against the control, and how it was done."""

    effects: tuple[ScoreEffect, ...]
    means: dict[str, Floats]  # variant -> draws of its mean score, in points
    method: str  # grid | nuts
    note: str
    diagnostics: Diagnostics | None = None


def compare_scores(
    variants: Mapping[str, ScoreSums], seed: int, sign: int = 1, note: str = ""
) -> ScoreEffects:
    """Each treatment against the control (the first), mean and k on a grid of 81 by 81 points.

    Raises:
        ValueError: fewer than two variants, or fewer than two learners strictly between 0 and 100
            in one.
    """
    _refuse_thin(variants)
    rng = np.random.default_rng(seed)
    between = {name: _grid_draws(sums, rng) for name, sums in variants.items()}
    how = ("grid", note or "Exact on a grid of means and concentrations.")
    return _effects(variants, between, rng, sign, how)


def compare_scores_by_sampling(
    variants: Mapping[str, ScoreSums], seed: int, sign: int = 1, effort: Effort | None = None
) -> ScoreEffects:
    """The same by NUTS; where the chains have not mixed, the grid answers and says so."""
    _refuse_thin(variants)
    if len(variants) > MOST_VARIANTS:
        note = f"By the grid: the kept model holds {MOST_VARIANTS} variants, not {len(variants)}."
        return compare_scores(variants, seed, sign, note)
    sampled = sample(("scores",), build_model, model_data(variants), seed, effort)
    sentence = sampled.diagnostics.sentence
    if not sampled.diagnostics.trusted:
        note = f"By the grid: the chains have not mixed ({sentence})."
        return compare_scores(variants, seed, sign, note)
    mean = 1 / (1 + np.exp(-sampled.values["logit_mean"]))
    between = {name: mean[:, i] for i, name in enumerate(variants)}
    rng = np.random.default_rng(seed)
    found = _effects(variants, between, rng, sign, ("nuts", f"By NUTS: {sentence}."))
    return ScoreEffects(found.effects, found.means, "nuts", found.note, sampled.diagnostics)


def build_model() -> Any:
    """The scores strictly between the ends; variants that are not there weigh nothing."""
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        n = pm.Data("n", np.zeros(MOST_VARIANTS))
        log_score = pm.Data("log_score", np.zeros(MOST_VARIANTS))
        log_rest = pm.Data("log_rest", np.zeros(MOST_VARIANTS))
        logit_mean = pm.Logistic("logit_mean", 0, 1, shape=MOST_VARIANTS)  # the mean is uniform
        log_k = pm.Normal("log_k", *CONCENTRATION, shape=MOST_VARIANTS)
        mean, k = pm.math.sigmoid(logit_mean), pt.exp(log_k)
        a, b = mean * k, (1 - mean) * k
        constant = pt.gammaln(k) - pt.gammaln(a) - pt.gammaln(b)
        pm.Potential("scores", (n * constant + (a - 1) * log_score + (b - 1) * log_rest).sum())
    return model


def model_data(variants: Mapping[str, ScoreSums]) -> dict[str, Floats]:
    """The model's data: sums by variant, zeros for those that are not there."""
    found = {name: np.zeros(MOST_VARIANTS) for name in ("n", "log_score", "log_rest")}
    for i, sums in enumerate(variants.values()):
        found["n"][i] = sums.n_between
        found["log_score"][i] = sums.log_score
        found["log_rest"][i] = sums.log_rest
    return found


def _refuse_thin(variants: Mapping[str, ScoreSums]) -> None:
    if len(variants) < 2:
        raise ValueError(f"variants: found {len(variants)}, a comparison needs the control and one")
    for name, sums in variants.items():
        if sums.n_between < 2:
            raise ValueError(
                f"{name}: {sums.n_between} learners score strictly between 0 and 100, and two are"
                " needed; compare the shares that engaged instead (beta_binomial)"
            )


def log_posterior(sums: ScoreSums, logit_mean: Floats, log_k: Floats) -> Floats:
    """The log of likelihood times prior at (logit of the mean, log of k), up to a constant."""
    mean, k = 1 / (1 + np.exp(-logit_mean)), np.exp(log_k)
    a, b = mean * k, (1 - mean) * k
    log = sums.n_between * (gammaln(k) - gammaln(a) - gammaln(b))
    log += (a - 1) * sums.log_score + (b - 1) * sums.log_rest
    log -= np.logaddexp(0, -logit_mean) + np.logaddexp(0, logit_mean)
    return np.asarray(log - 0.5 * ((log_k - CONCENTRATION[0]) / CONCENTRATION[1]) ** 2)


def _grid_draws(sums: ScoreSums, rng: np.random.Generator) -> Floats:
    """Draws of the mean between the ends, from a grid laid twice: first by the mode's curvature."""
    centre = _mode(sums)
    root = _root(_curvature(sums, centre))
    axes, step = np.linspace(-_REACH, _REACH, _GRID), 2 * _REACH / (_GRID - 1)
    points = np.stack(np.meshgrid(axes, axes, indexing="ij"), -1).reshape(-1, 2)
    for _ in range(_LAYINGS):
        at = centre + points @ root.T
        log = log_posterior(sums, at[:, 0], at[:, 1])
        chance = np.exp(log - log.max())
        chance /= chance.sum()
        laid_at, laid_by = centre, root
        centre = chance @ at
        spread = (at - centre).T @ ((at - centre) * chance[:, None])
        root = _root(spread)
    chosen = points[rng.choice(len(points), _DRAWS, p=chance)]
    # Spread over the cell: without it a fine posterior would show the grid.
    chosen = chosen + rng.uniform(-step / 2, step / 2, chosen.shape)
    return np.asarray(1 / (1 + np.exp(-(laid_at[0] + chosen @ laid_by[0]))))


def _mode(sums: ScoreSums) -> Floats:
    from scipy.optimize import minimize

    average = (sums.log_score - sums.log_rest) / sums.n_between  # of the logits
    found = minimize(
        lambda x: -float(log_posterior(sums, x[0], x[1])),
        np.array([average, CONCENTRATION[0]]),
        method="Nelder-Mead",
    )
    return np.asarray(found.x)


def _root(covariance: Floats) -> Floats:
    """A square root of a covariance; one that rounding made indefinite is mended."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    largest = float(np.abs(values).max())
    return np.asarray(vectors * np.sqrt(np.clip(np.abs(values), 1e-10 * largest, None)))


def _curvature(sums: ScoreSums, mode: Floats) -> Floats:
    """The covariance of the normal that touches the posterior at its mode."""
    step = 1e-3 / max(1.0, sums.n_between) ** 0.25

    def at(i: int, j: int, a: float, b: float) -> float:
        x = mode.copy()
        x[i] += a * step
        x[j] += b * step
        return float(log_posterior(sums, x[0], x[1]))

    hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            hessian[i, j] = at(i, j, 1, 1) - at(i, j, 1, -1) - at(i, j, -1, 1) + at(i, j, -1, -1)
    return np.linalg.inv(-hessian / (4 * step**2))


def _effects(
    variants: Mapping[str, ScoreSums],
    between: Mapping[str, Floats],
    rng: np.random.Generator,
    sign: int,
    how: tuple[str, str],
) -> ScoreEffects:
    engaged, if_engaged, overall = {}, {}, {}
    for name, sums in variants.items():
        size = len(between[name])
        p = rng.beta(1 + sums.n - sums.n_zero, 1 + sums.n_zero, size)
        # Few scores are whole: Jeffreys' prior keeps a heap that is not there near 0.
        q = rng.beta(0.5 + sums.n_full, 0.5 + sums.n_between, size)
        engaged[name] = p
        if_engaged[name] = FULL * (q + (1 - q) * between[name])
        overall[name] = p * if_engaged[name]
    control, *treatments = variants
    parts = (engaged, if_engaged, overall)
    return ScoreEffects(
        effects=tuple(
            ScoreEffect(
                name,
                *(_part(each[name] - each[control], sign) for each in parts),
            )
            for name in treatments
        ),
        means=overall,
        method=how[0],
        note=how[1],
    )


def _part(difference: Floats, sign: int) -> Part:
    return Part(
        float(difference.mean()),
        float(difference.std()),
        *eti(difference),
        float((sign * difference > 0).mean()),
    )
