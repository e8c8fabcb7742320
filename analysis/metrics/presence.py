"""Days of activity: on how many, and whether still at the window's end."""

from collections.abc import Mapping

from ibis.expr import types as ir

from analysis.energize.facts import any_day, count_days, day_bits, is_presence, read_bits
from analysis.metrics.kind import OUTCOME, InWindow, MetricKind, PerLearner


def _days(given: InWindow) -> Mapping[str, ir.Value]:
    kind, named = given.events.kind, given.metric.event_kinds
    return day_bits(given.window, kind.isin(named) if named else is_presence(kind), "day")


def _n_days(given: PerLearner) -> Mapping[str, ir.Value]:
    days = given.metric.window_days
    return {OUTCOME: count_days(read_bits(given.row, f"{given.prefix}day", days))}


def _still_there(given: PerLearner) -> Mapping[str, ir.Value]:
    days = given.metric.window_days
    bitmaps = read_bits(given.row, f"{given.prefix}day", days)
    return {OUTCOME: any_day(bitmaps, max(0, days - 7), days, days).cast("float64")}


ACTIVE_DAYS = MetricKind(
    name="active_days",
    meaning="days of the window with activity (of the named kinds, when some are named)",
    aggregates=_days,
    values=_n_days,
    needs_kinds=False,
)
RETENTION = MetricKind(
    name="retention",
    meaning="1 when active on any of the window's last seven days, else 0",
    aggregates=_days,
    values=_still_there,
    needs_kinds=False,
    can_cap=False,
)
