"""Quantiles from the lake, with the per-unit counts that say how far they may be off."""

from ibis.expr import types as ir

from analysis.engines.functions import DAY_US, epoch_us
from analysis.lake.reader import Lake
from analysis.plan import MetricPlan
from analysis.statistics.gather import gather_moments
from analysis.statistics.moments import Moments
from analysis.statistics.quantiles import Quantile

_COUNTS = ("below", "values")


def gather_quantiles(
    metric: MetricPlan, lake: Lake, people: ir.Table, as_of_us: int
) -> dict[str, Quantile]:
    """Each variant's quantile over the values of its mature learners' events.

    Args:
        metric: which events, which quantile, how many days.
        lake: where the events are.
        people: one row a learner: ``learner``, ``unit``, ``variant``, ``exposed_us``.
        as_of_us: the look, in microseconds.
    """
    with _values(metric, lake, people, as_of_us).cache() as rows:
        return quantiles_of(rows, float(metric.quantile or 0.5))


def quantiles_of(rows: ir.Table, share: float) -> dict[str, Quantile]:
    """Each variant's quantile.

    Args:
        rows: one row per value: ``variant``, ``unit``, ``learner``, ``value``.
        share: 0.5 is the median.
    """
    found = rows.group_by("variant").aggregate(
        at=rows.value.quantile(share), n_learners=rows.learner.nunique()
    )
    first = {row["variant"]: row for row in found.to_pyarrow().to_pylist()}
    return {
        variant: _quantile(
            rows.filter(rows.variant == variant), share, row["at"], row["n_learners"]
        )
        for variant, row in sorted(first.items())
    }


def _quantile(rows: ir.Table, share: float, at: float, n_learners: int) -> Quantile:
    per_unit = rows.group_by("unit").aggregate(
        below=(rows.value <= at).sum().cast("float64"), values=rows.count().cast("float64")
    )
    counts = gather_moments(per_unit, [], _COUNTS).get((), Moments.empty(_COUNTS))
    shares = Quantile.shares_beside(share, Quantile.share_error(counts))
    at_low, at_high = (rows.value.quantile(each) for each in shares)
    ends = rows.aggregate(low=at_low, high=at_high).to_pyarrow().to_pylist()[0]
    return Quantile(
        share, float(at), float(ends["low"]), float(ends["high"]), counts, int(n_learners)
    )


def no_values(share: float) -> Quantile:
    """The quantile of a variant without any value."""
    return Quantile(share, 0.0, 0.0, 0.0, Moments.empty(_COUNTS), 0)


def _values(metric: MetricPlan, lake: Lake, people: ir.Table, as_of_us: int) -> ir.Table:
    mature = people.filter(people.exposed_us + metric.window_days * DAY_US <= as_of_us)
    events = lake.table("events")
    named = events.filter(events.kind.isin(metric.event_kinds), events.value.notnull()).select(
        event_learner="learner", value="value", at_us=epoch_us(events.occurred_at)
    )
    joined = mature.join(
        named,
        [
            mature.learner == named.event_learner,
            named.at_us >= mature.exposed_us,
            named.at_us < mature.exposed_us + metric.window_days * DAY_US,
        ],
    )
    return joined.select("learner", "unit", "variant", value=joined.value.cast("float64"))
