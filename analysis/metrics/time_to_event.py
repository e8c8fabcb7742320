"""Days until something first happens; learners who are still watched count as far as they go."""

from collections.abc import Mapping

from ibis.expr import types as ir

from analysis.metrics.kind import InWindow, MetricKind, PerLearner


def _nothing(_given: InWindow | PerLearner) -> Mapping[str, ir.Value]:
    return {}


KIND = MetricKind(
    name="time_to_event",
    meaning="days until the first event of the named kinds, up to the window; watched until as_of",
    aggregates=_nothing,
    values=_nothing,
    can_cap=False,
    collects="life",
    team_remedy="use kind proportion, which asks whether it happened within the window",
)
