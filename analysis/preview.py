"""A metric before anybody relies on it: what it would have been last month.

Learners who were active get a pretended exposure one window ago. Their outcomes show how the metric
is spread, what its limits change, how much the past explains, and how long an experiment would
take, at the pace at which learners come.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np

from analysis.energize.norms import Norms
from analysis.history import Floats, Past, pretend, recent_arrivals
from analysis.lake.reader import Lake
from analysis.plan import MetricPlan
from analysis.previewed import Bin, Detection, InTeams, Limits, Preview
from analysis.results import NotEstimable
from analysis.sizing.accrual import Accrual
from analysis.sizing.design import PlannedDesign
from analysis.sizing.past import Facts, facts_of
from analysis.sizing.wish import Spread, Wish, answer
from analysis.statistics.collected import COVARIATE, DENOMINATOR, OUTCOME

RELATIVE_EFFECT: Final = 0.02
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TAIL: Final = 0.99
"""What lies above this quantile shares one bin: it is few people, and would stretch the axis."""
MOST_BINS: Final = 20
LARGEST: Final = 1e14
"""Numbers beyond are no measurement, and no JSON of ours carries them."""
MOST_SD: Final = 10
"""A difference so many standard deviations large is a typing error."""
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


def preview(
    lake: Lake,
    metric: MetricPlan,
    as_of: datetime,
    norms: Norms | None = None,
    co_primaries: int = 0,
) -> Preview | NotEstimable:
    """What a metric would have been over the window that ends at a time.

    Args:
        lake: the events, pinned at a version.
        metric: a definition; it need not be stored.
        as_of: nothing later is read.
        norms: the score's frozen scale; only a score needs it.
        co_primaries: how many other primaries share alpha in the experiment that is planned.

    Raises:
        ValueError: the metric cannot be computed as its definition says.
    """
    bare = replace(metric, floor=None, cap=None, cap_quantile=None)
    raw = pretend(lake, bare, as_of, norms=norms)
    if isinstance(raw, NotEstimable):
        return raw
    if float(np.abs(raw.values).max(initial=0.0)) > LARGEST:
        return NotEstimable(
            f"some outcomes of {metric.title} are beyond {LARGEST:g}",
            "send the values in a larger unit",
        )
    past = limited(raw, metric)
    facts = facts_of(past)
    if isinstance(facts, NotEstimable):
        return facts
    shown = _shown(past)
    came, _ = recent_arrivals(lake, as_of)
    return Preview(
        as_of=as_of.isoformat(),
        exposed_at=past.dates[0].isoformat(),
        window_days=metric.window_days,
        lake_version=dict(lake.version),
        n_learners=facts.n_learners,
        mean=facts.mean,
        sd=facts.sd,
        variance=facts.sd**2 if facts.sd**2 < LARGEST else None,
        share_of_zeros=facts.share_of_zeros,
        yes_or_no=facts.yes_or_no,
        correlation=facts.correlation,
        variance_reduction=facts.correlation**2,
        quantiles={f"{share:g}": float(np.quantile(shown, share)) for share in QUANTILES},
        bins=bins_of(shown),
        n_shown=len(shown),
        limits=_limits(raw, past, metric),
        teams=_teams(facts),
        detections=_detections(
            metric, facts, Accrual(tuple(came.tolist())), PlannedDesign(co_primaries=co_primaries)
        ),
    )


def limited(raw: Past, metric: MetricPlan) -> Past:
    """The same learners with the metric's floor and cap, as a readout sets them.

    See ``analysis.winsorise``: a quantile's cap is each column's own, over all learners.
    """
    values = raw.values.copy()
    for name in (OUTCOME, COVARIATE):
        if name in raw.columns:
            at = raw.columns.index(name)
            low = -np.inf if metric.floor is None else metric.floor
            values[:, at] = np.clip(values[:, at], low, _cap(metric, values[:, at]))
    return replace(raw, metric=metric, values=values)


def bins_of(values: Floats) -> tuple[Bin, ...]:
    """The distribution: whole numbers one by one while they are few, else about twenty steps.

    Args:
        values: one a learner, at least one.
    """
    low, tail = float(values.min()), float(np.quantile(values, TAIL))
    width = _width(values, tail - low)
    first = np.floor(low / width) * width
    n_bins = max(1, int(np.floor((tail - first) / width + 1e-9)) + 1)
    edges = first + width * np.arange(n_bins + 1)
    place = np.clip(np.floor((values - first) / width + 1e-9), 0, n_bins).astype(np.int64)
    counts = np.bincount(place, minlength=n_bins + 1)
    bins = [
        Bin(float(edges[number]), float(edges[number + 1]), int(counts[number]))
        for number in range(n_bins)
    ]
    if counts[n_bins]:
        bins.append(Bin(float(edges[n_bins]), None, int(counts[n_bins])))
    return tuple(bins)


def _width(values: Floats, reach: float) -> float:
    if np.all(values == np.round(values)) and reach < MOST_BINS:
        return 1.0
    wanted = max(reach, float(np.ptp(values)) * 1e-9, 1e-12) / MOST_BINS
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(next(step * power for step in _STEPS if step * power >= wanted * (1 - 1e-12)))


def _cap(metric: MetricPlan, values: Floats) -> float | None:
    if metric.cap_quantile is not None:
        return float(np.quantile(values, metric.cap_quantile))
    return metric.cap


def _limits(raw: Past, past: Past, metric: MetricPlan) -> Limits | None:
    without = raw.column(OUTCOME)
    cap = _cap(metric, without)
    if metric.floor is None and cap is None:
        return None
    with_limits = past.column(OUTCOME)
    return Limits(
        floor=metric.floor,
        cap=cap,
        share_below=float((with_limits > without).mean()),
        share_above=float((with_limits < without).mean()),
        mean_without=float(without.mean()),
        sd_without=float(without.std(ddof=1)),
    )


def _shown(past: Past) -> Floats:
    """One number a learner: of a ratio its own, of those who have anything below the line."""
    outcome = past.column(OUTCOME)
    if DENOMINATOR not in past.columns:
        return outcome
    below = past.column(DENOMINATOR)
    return np.asarray(outcome[below > 0] / below[below > 0])


def _detections(
    metric: MetricPlan, facts: Facts, accrual: Accrual, design: PlannedDesign
) -> tuple[Detection, ...]:
    wanted = [("relative", RELATIVE_EFFECT * abs(facts.mean))]
    if metric.minimum_effect is not None:
        wanted.append(("minimum", metric.minimum_effect))
    known = metric, facts, accrual, design
    return tuple(_detection(what, effect, known) for what, effect in wanted)


def _detection(
    what: str, effect: float, known: tuple[MetricPlan, Facts, Accrual, PlannedDesign]
) -> Detection:
    metric, facts, accrual, design = known
    relative = effect / abs(facts.mean) if effect < LARGEST * abs(facts.mean) else None

    def not_found(reason: str, remedy: str) -> Detection:
        why_not = NotEstimable(reason, remedy)
        return Detection(what, effect, relative, None, None, None, None, why_not)

    if not effect > 0:
        reason = f"the mean of {metric.title} is 0, so {RELATIVE_EFFECT:.0%} of it is nothing"
        return not_found(reason, "give the metric a minimum effect in its own unit")
    if effect > MOST_SD * facts.sd:
        reason = f"{effect:g} is over {MOST_SD} standard deviations: nobody varies so much"
        return not_found(reason, "choose a smaller minimum effect")
    wish = Wish(
        spread=Spread.of_facts(facts, "learner"),
        effect=effect,
        design=design,
        window_days=metric.window_days,
        accrual=accrual,
    )
    try:
        found = answer(wish)
    except ValueError as error:
        return not_found(str(error), "choose another minimum effect")
    days = found.duration
    if days is None:
        never = NotEstimable(
            "at the present pace so many learners will never come",
            "look for a larger effect, or choose a metric that varies less",
        )
        return Detection(what, effect, relative, found.need.units, None, None, None, never)
    return Detection(what, effect, relative, found.need.units, days.days, days.low, days.high)


def _teams(facts: Facts) -> InTeams | None:
    if facts.teams is None:
        return None
    return InTeams(facts.teams.n, facts.teams.size, facts.teams.icc, facts.teams.design_effect)
