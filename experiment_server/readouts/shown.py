"""An experiment as its pages show it: stored rows to views. No Flask."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from dashboards.views import (
    BatchInfo,
    ExperimentDesign,
    ExperimentSummary,
    HoldoutInfo,
    MetricInfo,
    PauseInfo,
    PhaseInfo,
    PredictorInfo,
    ScoreTrust,
    VariantInfo,
)
from experiment_server.experiments import service as experiments
from experiment_server.experiments.bandit import batches_of, began_at
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.experiments.pauses import read_pauses, time_paused
from experiment_server.holdouts.service import covers, list_active
from experiment_server.metrics import service as metrics
from experiment_server.metrics.models import Metric
from experiment_server.readouts import service
from experiment_server.readouts.looks import next_look


def summary(session: Session, experiment: Experiment, now: datetime) -> ExperimentSummary:
    """One row of the experiments list."""
    stored = service.headline(service.list_readouts(session, experiment, experiment.phase))
    readout = service.to_readout(stored) if stored else None
    return ExperimentSummary(
        key=experiment.key,
        title=experiment.title,
        domain=experiment.domain,
        unit_kind=experiment.unit_kind,
        state=experiment.state,
        days_running=days_running(session, experiment, now),
        days_paused=days_paused(session, experiment, now),
        n_units=sum(readout.n_exposed.values()) if readout else None,
        readout=readout,
        next_look_at=next_look_at(session, experiment),
    )


def design(session: Session, experiment: Experiment) -> ExperimentDesign:
    """What was planned: as the current phase froze it, or as the draft stands."""
    phases = experiments.list_phases(session, experiment)
    frozen = phases[-1].design if phases else None
    values: dict[str, Any] = frozen or experiments.plain(experiment)
    return ExperimentDesign(
        key=experiment.key,
        title=experiment.title,
        hypothesis=experiment.hypothesis,
        domain=experiment.domain,
        unit_kind=experiment.unit_kind,
        state=experiment.state,
        version=experiment.version,
        variants=tuple(_variant(variant) for variant in values["variants"]),
        metrics=_metrics(session, values["metrics"]),
        phases=tuple(_phase(phase) for phase in phases),
        coverage=values["coverage"],
        condition=values["condition"] or None,
        looks_planned=(values["schedule"] or {}).get("looks"),
        score_version=experiment.score_version or "",
        after=(experiment.after or {}).get("rule") or "",
        after_variant=(experiment.after or {}).get("variant") or "",
        n_previews=len(experiment.previews),
        holdouts=_holdouts(session, experiment, phases[-1] if phases else None),
        batches=_batches(phases[-1]) if phases else (),
    )


def days_running(session: Session, experiment: Experiment, now: datetime) -> int | None:
    """Whole days of the current or last phase without its pauses; None before the first start."""
    if not experiment.phase:
        return None
    phase = experiments.load_phase(session, experiment)
    until = phase.stopped_at or now
    return (until - began_at(phase) - time_paused(read_pauses(phase.pauses), until)).days


def days_paused(session: Session, experiment: Experiment, now: datetime) -> float:
    """How many days of the current or last phase it stood still, to a tenth."""
    if not experiment.phase:
        return 0.0
    phase = experiments.load_phase(session, experiment)
    paused = time_paused(read_pauses(phase.pauses), phase.stopped_at or now)
    return round(paused / timedelta(days=1), 1)


def next_look_at(session: Session, experiment: Experiment) -> datetime | None:
    """When the next planned look is due; None when all were read or it does not run."""
    if experiment.state != "running":
        return None
    look = next_look(session, experiment, experiments.load_phase(session, experiment))
    return None if look is None else look.at


def trust(validation: dict[str, Any] | None) -> ScoreTrust | None:
    """What a score's validation found, if there was one."""
    if validation is None:
        return None
    found = (validation["score"], *validation["baselines"])
    return ScoreTrust(
        sentence=validation["sentence"],
        n_learners=validation["n"],
        predictors=tuple(
            PredictorInfo(one["title"], one["auc"], one["auc_low"], one["auc_high"])
            for one in found
        ),
    )


def _variant(values: dict[str, Any]) -> VariantInfo:
    title = values.get("title") or values["key"]
    return VariantInfo(values["key"], title, values["weight"], values.get("payload"))


def _batches(phase: ExperimentPhase) -> tuple[BatchInfo, ...]:
    """The batches of a bandit; the last one runs until its phase is stopped."""
    found = batches_of(phase)
    return tuple(
        BatchInfo(
            batch.started_at,
            phase.stopped_at if batch is found[-1] else batch.ended_at,
            batch.shares,
        )
        for batch in found
    )


def _phase(phase: ExperimentPhase) -> PhaseInfo:
    pauses = tuple(
        PauseInfo(pause.paused_at, pause.resumed_at, pause.reason)
        for pause in read_pauses(phase.pauses)
    )
    return PhaseInfo(phase.number, phase.started_at, phase.stopped_at, phase.stop_reason, pauses)


def _holdouts(
    session: Session, experiment: Experiment, phase: ExperimentPhase | None
) -> tuple[HoldoutInfo, ...]:
    """The holdouts that keep units out of the current phase."""
    if phase is None or experiment.holdout_key is not None:
        return ()
    return tuple(
        HoldoutInfo(holdout.key, holdout.title, holdout.share, holdout.unit_kind)
        for holdout in list_active(session, experiment.environment_id)
        if covers(holdout, experiment.domain, phase.started_at)
    )


def _metrics(session: Session, uses: list[dict[str, Any]]) -> tuple[MetricInfo, ...]:
    """Each metric with its definition: frozen inside the use, or looked up for a draft."""
    known = metrics.load_metrics(session, [_key(use) for use in uses])
    return tuple(_metric(use, known.get(_key(use))) for use in uses)


def _key(use: dict[str, Any]) -> str:
    return str(use["definition"]["key"] if "definition" in use else use["metric"])


def _metric(use: dict[str, Any], known: Metric | None) -> MetricInfo:
    definition: dict[str, Any] = use.get("definition") or (metrics.plain(known) if known else {})
    least = use.get("minimum_effect")
    return MetricInfo(
        key=_key(use),
        title=definition.get("title", _key(use)),
        role=use["role"],
        window_days=definition.get("window_days", 28),
        minimum_effect=definition.get("minimum_effect") if least is None else least,
        unit_label=definition.get("unit_label", ""),
    )
