"""METRIC_KINDS: every way to turn a learner's events into an outcome."""

from typing import Final

from analysis.metrics import counting, presence, quantile, ratio, score, time_to_event
from analysis.metrics.kind import MetricKind

METRIC_KINDS: Final = (
    score.KIND,
    counting.COUNT,
    counting.SUM,
    counting.PROPORTION,
    presence.RETENTION,
    presence.ACTIVE_DAYS,
    ratio.RATIO,
    ratio.RATE,
    time_to_event.KIND,
    quantile.KIND,
)
METRIC_KINDS_BY_NAME: Final = {kind.name: kind for kind in METRIC_KINDS}


def metric_kind(name: str) -> MetricKind:
    """The row of METRIC_KINDS with this name.

    Raises:
        ValueError: there is none.
    """
    if name not in METRIC_KINDS_BY_NAME:
        raise ValueError(
            f"metric kind: found {name!r}, expected one of {', '.join(METRIC_KINDS_BY_NAME)}"
        )
    return METRIC_KINDS_BY_NAME[name]
