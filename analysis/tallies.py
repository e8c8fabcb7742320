"""Tallies: all that a plan's metrics need of what a learner did, counted in one pass over events.

A tally is a count, a sum of integers, a bitmap or an earliest time, so tallies of some events and
tallies of others put together are, to the bit, the tallies of all of them: ``Merge`` says how.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any, Final

import ibis
from ibis.expr import operations as ops
from ibis.expr import types as ir

from analysis import engagement, predictions
from analysis.energize.facts import Window
from analysis.engines.functions import DAY_US, days_between, epoch_us
from analysis.lake.reader import Lake
from analysis.lake.schema import DAY
from analysis.metrics import metric_kind
from analysis.metrics.kind import InWindow
from analysis.plan import AnalysisPlan, MetricPlan

TAKEN: Final = "taken_up"
"""How many events within the primary's window show that the learner used what was offered."""

_WIDE: Final = "decimal(38, 0)"  # sums of 64-bit integers fit, whatever their number


@dataclass(frozen=True)
class Merge:
    """How the parts of a tally become the whole."""

    name: str
    whole: Callable[[ir.Column], ir.Value]
    type: str  # of the column that holds it
    is_zero_without_events: bool


MERGES: Final[dict[type, Merge]] = {
    ops.Count: Merge("add", lambda part: part.sum(), "int64", is_zero_without_events=True),
    ops.Sum: Merge("add", lambda part: part.sum(), _WIDE, is_zero_without_events=True),
    ops.BitOr: Merge("unite", lambda part: part.bit_or(), "int64", is_zero_without_events=False),
    ops.Min: Merge("earliest", lambda part: part.min(), "int64", is_zero_without_events=False),
}


def merge_of(name: str, tally: ir.Value) -> Merge:
    """How a tally's parts are put together.

    Raises:
        ValueError: it is none of the reductions that can be.
    """
    found = MERGES.get(type(tally.op()))
    if found is None:
        expected = ", ".join(each.__name__ for each in MERGES)
        raise ValueError(
            f"tally {name}: found {type(tally.op()).__name__}, expected one of {expected}; "
            "do everything else where tallies become values"
        )
    return found


@dataclass(frozen=True)
class Reach:
    """How far around a learner's first exposure a plan's windows go, in days."""

    back: int
    ahead: int

    @classmethod
    def of(cls, plan: AnalysisPlan) -> "Reach":
        """The longest windows; a covariate's model looks two windows back."""
        return cls(
            back=max(
                m.window_days * (2 if predictions.wants_model(m) else 1) for m in plan.metrics
            ),
            ahead=max(metric.window_days for metric in plan.metrics),
        )

    @property
    def back_us(self) -> int:
        """The same in microseconds."""
        return self.back * DAY_US

    @property
    def ahead_us(self) -> int:
        """The same in microseconds."""
        return self.ahead * DAY_US


def tallied(plan: AnalysisPlan, events: ir.Table, people: ir.Table) -> ir.Table:
    """The people, each with the tallies of its events around its first exposure.

    Args:
        plan: its metrics.
        events: ``learner``, ``kind``, ``value``, ``occurred_at``.
        people: rows with ``learner`` and ``exposed_us``. A learner may have several rows.
    """
    # Rows are grouped by a number: a learner's pseudonym is long, and read once for each event.
    # The order is total: engines that work it out twice, in parts, must number alike. It is that of
    # files, so that neighbours there are neighbours in memory.
    order = ibis.window(order_by=["learner", "exposed_us"])
    numbered = people.mutate(place=ibis.row_number().over(order)).cache()
    counted = tally(plan, events, numbered)
    found = [name for name in counted.columns if name != "place"]
    counted = counted.rename(counted_place="place")
    joined = numbered.left_join(counted, numbered.place == counted.counted_place)
    return joined.select(*people.columns, *found)


def tally(plan: AnalysisPlan, events: ir.Table, numbered: ir.Table) -> ir.Table:
    """The tallies of everybody who did something, by ``place``.

    Args:
        plan: its metrics.
        events: ``learner``, ``kind``, ``value``, ``occurred_at``.
        numbered: one row for each ``place``, with ``learner`` and ``exposed_us``.
    """
    near = events_beside(plan, events, numbered)
    found = {name: value.cast(merge_of(name, value).type) for name, value in tallies(plan, near)}
    if not found:
        return numbered.select("place").limit(0)
    return near.group_by("place").aggregate(**found)


def merges(plan: AnalysisPlan) -> Mapping[str, Merge]:
    """Each tally of a plan, and how its parts are put together."""
    columns: dict[str, Any] = {"kind": "string", "value": "float64", "at_us": "int64"}
    beside = ibis.table({**columns, "place": "int64", "day": "int64"}, name="beside")
    return {name: merge_of(name, value) for name, value in tallies(plan, beside)}


def without_events(plan: AnalysisPlan, table: ir.Table) -> ir.Table:
    """The table with 0 for what is 0 of a learner without events."""
    zero = [name for name, merge in merges(plan).items() if merge.is_zero_without_events]
    return table.mutate(**{name: table[name].fill_null(0) for name in zero}) if zero else table


def tallies(plan: AnalysisPlan, beside: ir.Table) -> Iterator[tuple[str, ir.Value]]:
    """Every tally of a plan, by name.

    Args:
        plan: its metrics.
        beside: events with ``kind``, ``value``, ``at_us``, and their ``day`` from the first
            exposure.
    """
    for number, metric in enumerate(plan.metrics):
        for prefix, day in _windows(number, metric, beside.day):
            window = Window(metric.window_days, day, prefix)
            yield from metric_kind(metric.kind).aggregates(InWindow(metric, beside, window)).items()
        if predictions.wants_model(metric):
            yield from predictions.aggregates(number, metric, beside, beside.day).items()
    if engagement.scored_metric(plan) is None:
        yield from engagement.days_before(plan, beside, beside.day).items()
    if plan.take_up_kinds:
        within = Window(plan.primary.window_days, beside.day)
        shown = within.inside & beside.kind.isin(plan.take_up_kinds)
        yield TAKEN, beside.kind.count(where=shown)


def after(number: int) -> str:
    """How the names of a metric's tallies in its outcome window begin."""
    return f"m{number}_after_"


def before(number: int) -> str:
    """How the names of a metric's tallies in its covariate window begin."""
    return f"m{number}_before_"


def _windows(
    number: int, metric: MetricPlan, day: ir.IntegerColumn
) -> Iterator[tuple[str, ir.IntegerColumn]]:
    """The outcome window and the equally long covariate window before it, each from its day 0."""
    yield after(number), day
    if metric_kind(metric.kind).collects == "moments":
        yield before(number), day + metric.window_days


def events_around(plan: AnalysisPlan, lake: Lake) -> ir.Table:
    """The events of the days that anybody's windows may touch, up to the look's.

    Whole days, and nothing finer: it is the join with first exposures that says what counts, and
    the more conditions stand before it, the fewer rows the engine expects of the larger side.
    """
    earliest = plan.started_at - timedelta(days=Reach.of(plan).back)
    events = lake.table("events")
    return events.filter(
        events[DAY] >= ibis.literal(earliest.astimezone(UTC).date()),
        events[DAY] <= ibis.literal(plan.as_of.astimezone(UTC).date()),
    )


def events_beside(plan: AnalysisPlan, events: ir.Table, numbered: ir.Table) -> ir.Table:
    """The events around their learner's first exposure; ``day`` 0 begins with it."""
    reach = Reach.of(plan)
    people = numbered.select("place", "exposed_us", who="learner")
    near = events.select("learner", "kind", "value", at_us=epoch_us(events.occurred_at))
    joined = near.join(
        people,
        [
            near.learner == people.who,
            near.at_us >= people.exposed_us - reach.back_us,
            near.at_us < people.exposed_us + reach.ahead_us,
        ],
    )
    return joined.select(
        "place", "kind", "value", "at_us", day=days_between(joined.exposed_us, joined.at_us)
    )
