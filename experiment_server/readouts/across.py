"""What all experiments of an environment that are over say together, from their stored readouts."""

from typing import Final

from sqlmodel import Session, col, select

from analysis.across.results import AcrossReport, Measure
from analysis.kinds import KINDS_BY_NAME
from experiment_server.environments.models import Environment
from experiment_server.metrics.models import Metric
from experiment_server.metrics.service import load_metric
from experiment_server.readouts.past import PastReadout, estimated, past_readouts

SCORE: Final = Measure("energize_score", "Energize Score", "points")


def across_experiments(
    session: Session, environment: Environment, metric: str | None = None, kpi: str | None = None
) -> AcrossReport:
    """Effects by domain, and whether moving the metric has moved the KPIs.

    Args:
        session: of the transaction.
        environment: whose experiments.
        metric: the key of what is moved; None: the Energize Score.
        kpi: the key of what should follow; None: every metric of business outcomes alone.

    Raises:
        Problem: 404, when there is no such metric.
    """
    # scipy costs every start of the server half a second: only this question needs it
    from analysis.across.report import PastExperiment, summarise

    moved = SCORE if metric is None else _measure(load_metric(session, metric))
    if kpi is None:
        rows = session.exec(select(Metric).order_by(col(Metric.key)))
        kpis = [_measure(row) for row in rows if _is_kpi(row)]
    else:
        kpis = [_measure(load_metric(session, kpi))]
    past = [
        PastExperiment(each.experiment.key, each.experiment.domain, _effects(each))
        for each in past_readouts(session, environment.id)
    ]
    return summarise(past, moved, kpis)


def _measure(metric: Metric) -> Measure:
    return Measure(metric.key, metric.title, metric.unit_label, metric.direction)


def _is_kpi(metric: Metric) -> bool:
    kinds = [KINDS_BY_NAME.get(kind) for kind in metric.event_kinds]
    return bool(kinds) and all(kind is not None and kind.outcome for kind in kinds)


def _effects(past: PastReadout) -> dict[str, dict[str, tuple[float, float]]]:
    """Metric -> treatment -> effect and standard error, of what could be estimated."""
    return {metric["key"]: estimated(metric) for metric in past.row.body["metrics"]}
