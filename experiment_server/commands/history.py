"""What the commands that read a company's own past share: its metrics and its lake."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from analysis.energize.norms import Norms
from analysis.history import Past, pretend
from analysis.lake.reader import Lake
from analysis.plan import MetricPlan
from analysis.results import NotEstimable
from experiment_server.commands.context import opened_state
from experiment_server.commands.options import parse_time
from experiment_server.environments.service import load_environment
from experiment_server.ingest.place import open_lake
from experiment_server.metrics import service as metrics
from experiment_server.metrics.models import Metric
from experiment_server.problems import Problem, shown
from experiment_server.scores.service import latest_norms


@dataclass(frozen=True)
class History:
    """An environment's past: its lake, the metrics that were asked for, and the score's scale."""

    environment: str
    lake: Lake
    metrics: tuple[MetricPlan, ...]
    norms: Norms | None
    as_of: datetime

    def pretend(self, metric: MetricPlan, most_dates: int = 1) -> Past | NotEstimable:
        """One metric of the learners of the past; says why when it cannot be had."""
        try:
            return pretend(self.lake, metric, self.as_of, most_dates, self.norms)
        except ValueError as error:
            if metric.kind == "score" and self.norms is None:
                return NotEstimable(
                    f"{metric.title} was never calibrated",
                    f"momentum energize calibrate --environment {self.environment}",
                )
            return NotEstimable(str(error), "change the metric's definition")


@contextmanager
def opened_history(environment: str, keys: list[str], as_of: str | None) -> Iterator[History]:
    """An environment's past up to a time.

    Args:
        environment: its key.
        keys: of metrics; none means all there are.
        as_of: as people type it; None is now.

    Raises:
        Problem: there is no such environment or metric, or the time is none.
    """
    with opened_state() as state:
        at = state.clock() if as_of is None else parse_time(as_of)
        with state.database.write() as session:
            metrics.ensure_built_in(session, state.clock())
            place = load_environment(session, environment)
            plans = tuple(
                metrics.as_plan(metrics.plain(metric))
                for metric in _chosen(metrics.list_metrics(session), keys)
            )
            norms = latest_norms(session, place)
        yield History(environment, open_lake(state, place, fresh=True), plans, norms, at)


def _chosen(known: Sequence[Metric], keys: list[str]) -> list[Metric]:
    by_key = {metric.key: metric for metric in known}
    for key in keys:
        if key not in by_key:
            raise Problem(404, f"--metric: found {shown(key)}, expected one of {', '.join(by_key)}")
    return [by_key[key] for key in keys] if keys else list(by_key.values())
