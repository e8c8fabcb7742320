"""Priors from the environment's own past: what ended before a phase started teaches its prior.

A phase's prior is frozen: it is learned from what ended before the phase started, at its first
readout, and every later readout takes it from there. All looks are read with the same belief.
"""

from dataclasses import replace
from typing import Any

from sqlmodel import Session

from analysis.bayes.priors import PastEffect, learn_prior
from analysis.plan import AnalysisPlan
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.readouts.past import estimated, past_readouts
from experiment_server.readouts.service import list_readouts


def with_learned_priors(
    session: Session, experiment: Experiment, phase: ExperimentPhase, plan: AnalysisPlan
) -> AnalysisPlan:
    """The plan with a prior for every metric on which enough experiments have ended."""
    read_before = list_readouts(session, experiment, phase.number)
    if read_before:
        first = AnalysisPlan.from_json(read_before[0].plan)
        priors = {metric.key: metric.prior for metric in first.metrics}
    else:
        bodies = _past_readouts(session, experiment, phase)
        priors = {each.key: learn_prior(past_effects(bodies, each.key)) for each in plan.metrics}
    metrics = tuple(
        replace(metric, prior=metric.prior or priors.get(metric.key)) for metric in plan.metrics
    )
    return replace(plan, metrics=metrics)


def past_effects(bodies: dict[str, dict[str, Any]], metric_key: str) -> list[PastEffect]:
    """What stored readouts, by experiment, found on one metric."""
    return [
        PastEffect(key, effect, se)
        for key, body in bodies.items()
        for metric in body["metrics"]
        if metric["key"] == metric_key
        for effect, se in estimated(metric).values()
    ]


def _past_readouts(
    session: Session, experiment: Experiment, phase: ExperimentPhase
) -> dict[str, dict[str, Any]]:
    """The readout that speaks for each experiment that was over when this phase started."""
    found = past_readouts(
        session, experiment.environment_id, over_by=phase.started_at, but=experiment.id
    )
    return {past.experiment.key: past.row.body for past in found}
