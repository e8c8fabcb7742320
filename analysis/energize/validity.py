"""Does the score earn its name: does one window's score tell who is still there in the next?

The score is compared with what anybody could count instead: active days alone, logins alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any, Final

import ibis
import numpy as np
import numpy.typing as npt
from ibis.expr import types as ir

from analysis.energize.facts import events_between, is_presence
from analysis.energize.norms import Norms
from analysis.energize.score import score_window
from analysis.lake.reader import Lake
from analysis.normal import Z95
from analysis.results import NotEstimable

Floats = npt.NDArray[np.float64]

TITLES: Final = {
    "score": "Energize Score",
    "active_days": "active days alone",
    "logins": "logins alone",
}
_MIN_EACH: Final = 20  # learners who returned, and who did not
_BINS: Final = 10


@dataclass(frozen=True)
class Predictor:
    """How well one number of this window tells who is still active in the next."""

    name: str
    title: str
    auc: float  # chance that a returner's number is above a leaver's; 0.5 is a coin
    auc_low: float  # 95 %
    auc_high: float
    brier: float  # mean squared error of the chance fitted on other learners; lower is better


@dataclass(frozen=True)
class Comparison:
    """The score's AUC minus a baseline's, over the same learners."""

    against: str
    difference: float
    low: float  # 95 %
    high: float

    @property
    def beats(self) -> bool:
        """Whether the score is better beyond doubt."""
        return self.low > 0


@dataclass(frozen=True)
class CalibrationBin:
    """Learners with like chances to return by their score: the chance, and how many did."""

    predicted: float
    observed: float
    n: int


@dataclass(frozen=True)
class ScoreValidation:
    """How well the score predicts, on the company's own learners."""

    version: str
    scored_from: str  # ISO time: the window whose score predicts
    scored_to: str  # ISO time: here begins the window that is predicted
    n: int  # learners active in the scored window
    base_rate: float  # share of them still active in the next window's last week
    score: Predictor
    baselines: tuple[Predictor, ...]
    comparisons: tuple[Comparison, ...]
    calibration: tuple[CalibrationBin, ...]
    brier_base: float  # of telling everybody the base rate
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """The validation as plain JSON values."""
        return asdict(self)


def validate(lake: Lake, norms: Norms, as_of: datetime) -> ScoreValidation | NotEstimable:
    """How well the score of the window before last told who was active at the end of the last.

    Args:
        lake: the program's history.
        norms: the version to judge.
        as_of: end of the predicted window.
    """
    start = as_of - timedelta(days=2 * norms.window_days)
    people = _people(lake, norms, start, as_of).cache()
    counts = people.group_by("returned").aggregate(n=people.count()).to_pyarrow().to_pylist()
    n = {bool(row["returned"]): int(row["n"]) for row in counts}
    n_returned, n_left = n.get(True, 0), n.get(False, 0)
    if min(n_returned, n_left) < _MIN_EACH:
        return NotEstimable(
            f"Of the learners active in the {norms.window_days} days from {start:%Y-%m-%d}, "
            f"{n_returned} were still active at the end of the next window and {n_left} were not; "
            f"both must be at least {_MIN_EACH}.",
            "Choose a later time, or wait until the history is two windows long.",
        )
    areas = _areas(people, n_returned, n_left)
    fits = {name: _fit(people, name) for name in TITLES}
    predictors = {
        name: Predictor(name, title, *areas[name].with_interval(), fits[name].brier)
        for name, title in TITLES.items()
    }
    comparisons = tuple(
        Comparison(name, *areas[name].difference()) for name in TITLES if name != "score"
    )
    base_rate = n_returned / (n_returned + n_left)
    return ScoreValidation(
        version=norms.version,
        scored_from=start.isoformat(),
        scored_to=(as_of - timedelta(days=norms.window_days)).isoformat(),
        n=n_returned + n_left,
        base_rate=base_rate,
        score=predictors["score"],
        baselines=tuple(predictors[name] for name in TITLES if name != "score"),
        comparisons=comparisons,
        calibration=fits["score"].bins,
        brier_base=base_rate * (1 - base_rate),
        sentence=_sentence(predictors["score"], comparisons, predictors),
    )


def _people(lake: Lake, norms: Norms, start: datetime, as_of: datetime) -> ir.Table:
    """Learners active in the scored window: their numbers, and whether they were still there."""
    scored = score_window(lake, norms, start)
    scored = scored.filter(scored.active_days > 0)
    before = events_between(lake, start, start + timedelta(days=norms.window_days))
    logins = before.filter(before.kind == "session_started")
    logins = logins.group_by("learner").aggregate(logins=logins.count().cast("float64"))
    last_week = events_between(lake, as_of - timedelta(days=min(7, norms.window_days)), as_of)
    there = last_week.filter(is_presence(last_week.kind)).select("learner").distinct()
    there = there.mutate(returned=True)
    joined = scored.left_join(logins, "learner").drop("learner_right")
    joined = joined.left_join(there, "learner").drop("learner_right")
    return joined.select(
        "learner",
        "score",
        "active_days",
        logins=joined.logins.fill_null(0.0),
        returned=joined.returned.fill_null(False),
    ).order_by("learner")


# --- area under the curve, with the paired interval of DeLong, DeLong, Clarke-Pearson (1988),
# by midranks (Sun, Xu 2014)


@dataclass(frozen=True)
class _Area:
    auc: float
    variance: float
    score_ahead: float  # the score's area minus this one
    variance_ahead: float

    def with_interval(self) -> tuple[float, float, float]:
        half = Z95 * sqrt(self.variance)
        return self.auc, max(0.0, self.auc - half), min(1.0, self.auc + half)

    def difference(self) -> tuple[float, float, float]:
        half = Z95 * sqrt(self.variance_ahead)
        return self.score_ahead, self.score_ahead - half, self.score_ahead + half


def _areas(people: ir.Table, n_returned: int, n_left: int) -> dict[str, _Area]:
    placed = people.mutate(
        {f"{name}_place": _placement(people, name, n_returned, n_left) for name in TITLES}
    )
    aggregates = {}
    for name in TITLES:
        place = placed[f"{name}_place"]
        aggregates[f"{name}_mean"] = place.mean()
        aggregates[f"{name}_var"] = place.var()
        aggregates[f"{name}_ahead"] = (placed.score_place - place).var()
    grouped = placed.group_by("returned").aggregate(**aggregates).to_pyarrow().to_pylist()
    rows = {bool(row["returned"]): row for row in grouped}
    score = float(rows[True]["score_mean"])

    def spread(column: str) -> float:
        return float(rows[True][column] / n_returned + rows[False][column] / n_left)

    return {
        name: _Area(
            auc=float(rows[True][f"{name}_mean"]),
            variance=spread(f"{name}_var"),
            score_ahead=score - float(rows[True][f"{name}_mean"]),
            variance_ahead=spread(f"{name}_ahead"),
        )
        for name in TITLES
    }


def _placement(people: ir.Table, name: str, n_returned: int, n_left: int) -> ir.Value:
    """Share of the other group that the learner is on the right side of, ties counting half."""
    among_all = _midrank(people, name, [])
    among_own = _midrank(people, name, ["returned"])
    below_in_other = among_all - among_own
    return ibis.ifelse(people.returned, below_in_other / n_left, 1.0 - below_in_other / n_returned)


def _midrank(people: ir.Table, name: str, within: Sequence[str]) -> ir.Value:
    ordered = ibis.window(group_by=list(within), order_by=name) if within else None
    lowest = ibis.rank().over(ordered if ordered is not None else ibis.window(order_by=name))
    tied = people.count().over(ibis.window(group_by=[*within, name]))
    return lowest + (tied - 1) / 2


# --- chance to return, by a logistic curve fitted on one half of the learners, tried on the other


@dataclass(frozen=True)
class _Fit:
    brier: float
    bins: tuple[CalibrationBin, ...]


def _fit(people: ir.Table, name: str) -> _Fit:
    half = ibis.row_number().over(ibis.window(order_by="learner")) % 2
    rows = people.mutate(half=half, x=people[name].round(1))
    groups = rows.group_by(["half", "x"]).aggregate(
        n=rows.count(), n_returned=rows.returned.cast("int64").sum()
    )
    table = groups.order_by(["half", "x"]).to_pyarrow().to_pydict()
    half_of, x, n, k = (np.asarray(table[key], float) for key in ("half", "x", "n", "n_returned"))
    chance = np.empty_like(x)
    for tried in (0, 1):
        fitted_on = half_of != tried
        curve = _logistic(x[fitted_on], n[fitted_on], k[fitted_on])
        chance[~fitted_on] = 1.0 / (1.0 + np.exp(-(curve[0] + curve[1] * x[~fitted_on])))
    brier = float(np.sum(k * (1 - chance) ** 2 + (n - k) * chance**2) / n.sum())
    return _Fit(brier, _bins(chance, n, k))


def _logistic(x: Floats, n: Floats, k: Floats) -> tuple[float, float]:
    """Intercept and slope by Newton steps; a faint ridge keeps a perfect separation finite."""
    centre = float(np.average(x, weights=n))
    scale = float(np.sqrt(np.average((x - centre) ** 2, weights=n))) or 1.0
    design = np.column_stack([np.ones_like(x), (x - centre) / scale])
    ridge = np.diag([1e-6, 1e-2])
    beta = np.zeros(2)
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30, 30)))
        slope = design.T @ (k - n * chance) - ridge @ beta
        curvature = (design * (n * chance * (1 - chance))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature, slope)
        beta = beta + step
        if float(np.abs(step).max()) < 1e-10:
            break
    return float(beta[0] - beta[1] * centre / scale), float(beta[1] / scale)


def _bins(chance: Floats, n: Floats, k: Floats) -> tuple[CalibrationBin, ...]:
    order = np.argsort(chance, kind="stable")
    chance, n, k = chance[order], n[order], k[order]
    before = np.cumsum(n) - n / 2
    bin_of = np.minimum((before / n.sum() * _BINS).astype(int), _BINS - 1)
    bins = []
    for number in range(_BINS):
        here = bin_of == number
        total = float(n[here].sum())
        if total:
            predicted = float(np.sum(chance[here] * n[here]) / total)
            bins.append(CalibrationBin(predicted, float(k[here].sum() / total), int(total)))
    return tuple(bins)


def _sentence(
    score: Predictor, comparisons: Sequence[Comparison], predictors: Mapping[str, Predictor]
) -> str:
    first = (
        f"Of a learner who stayed and one who left, the one who stayed had the higher score in "
        f"{score.auc:.0%} of pairs (95% interval {score.auc_low:.0%} to {score.auc_high:.0%}; "
        "a coin: 50%)."
    )
    area = {name: predictor.auc for name, predictor in predictors.items()}
    named = {name: f"{title} ({area[name]:.0%})" for name, title in TITLES.items()}
    beaten = [named[one.against] for one in comparisons if one.beats]
    unbeaten = [named[one.against] for one in comparisons if not one.beats]
    if not unbeaten:
        return f"{first} That beats {' and '.join(beaten)}."
    ahead = f" It beats {' and '.join(beaten)}." if beaten else ""
    return (
        f"{first}{ahead} It does not beat {' and '.join(unbeaten)}: for telling who comes back, "
        "the simpler number does as well; what the score adds is the view of why."
    )
