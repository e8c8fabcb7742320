"""Days until something first happens; learners who are still watched count as far as they go."""

from collections.abc import Mapping
from typing import Final

from ibis.expr import types as ir

from analysis.metrics.kind import InWindow, MetricKind, PerLearner

FIRST: Final = "first_us"


def _first(given: InWindow) -> Mapping[str, ir.Value]:
    named = given.window.inside & given.events.kind.isin(given.metric.event_kinds)
    return {f"{given.window.prefix}{FIRST}": given.events.at_us.min(where=named)}


def _nothing(_given: PerLearner) -> Mapping[str, ir.Value]:
    return {}


KIND = MetricKind(
    name="time_to_event",
    meaning="days until the first event of the named kinds, up to the window; watched until as_of",
    aggregates=_first,
    values=_nothing,
    can_cap=False,
    collects="life",
    team_remedy="use kind proportion, which asks whether it happened within the window",
)
