"""Days of activity: on how many, and whether still at the window's end."""

from collections.abc import Mapping

from ibis.expr import types as ir

from analysis.energize.facts import Window, any_day, count_days, day_bits, is_presence, read_bits
from analysis.energize.norms import Norms
from analysis.metrics.kind import MetricKind, no_parts
from analysis.plan import MetricPlan


def _days(metric: MetricPlan, events: ir.Table, window: Window) -> Mapping[str, ir.Value]:
    if metric.event_kinds:
        return day_bits(window, events.kind.isin(metric.event_kinds), "day")
    return day_bits(window, is_presence(events.kind), "day")


def _n_days(
    metric: MetricPlan,
    row: ir.Table,
    prefix: str,
    norms: Norms | None,  # noqa: ARG001
) -> Mapping[str, ir.Value]:
    return no_parts(count_days(read_bits(row, f"{prefix}day", metric.window_days)))


def _still_there(
    metric: MetricPlan,
    row: ir.Table,
    prefix: str,
    norms: Norms | None,  # noqa: ARG001
) -> Mapping[str, ir.Value]:
    days = metric.window_days
    bitmaps = read_bits(row, f"{prefix}day", days)
    return no_parts(any_day(bitmaps, max(0, days - 7), days, days).cast("float64"))


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
