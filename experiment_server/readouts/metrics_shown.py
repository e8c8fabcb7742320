"""Metrics as their pages show them: stored rows to views. No Flask."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from dashboards import formats
from dashboards.metric_views import (
    MetricFormView,
    MetricRow,
    MetricUse,
    MetricVersionInfo,
    PreviewView,
)
from dashboards.metric_words import DIRECTIONS, KIND_TITLES
from experiment_server.environments.models import Environment
from experiment_server.experiments import service as experiments
from experiment_server.experiments.models import Experiment
from experiment_server.metrics import service
from experiment_server.metrics.differences import changes_numbers, differences
from experiment_server.metrics.models import Metric


def metric_rows(session: Session, environment: Environment) -> tuple[MetricRow, ...]:
    """Every metric, by its title."""
    used = Counter(
        use["metric"] for one in _experiments(session, environment) for use in one.metrics
    )
    found = [_row(metric, used[metric.key]) for metric in service.list_metrics(session)]
    return tuple(sorted(found, key=lambda row: (row.title.lower(), row.key)))


def metric_row(session: Session, environment: Environment, metric: Metric) -> MetricRow:
    """One metric."""
    return _row(metric, len(uses(session, environment, metric.key)))


def uses(session: Session, environment: Environment, key: str) -> tuple[MetricUse, ...]:
    """The experiments that name a metric, the newest first."""
    return tuple(
        MetricUse(
            key=experiment.key,
            title=experiment.title,
            state=experiment.state,
            role=use["role"],
            version=_frozen_version(session, experiment, key),
        )
        for experiment in _experiments(session, environment)
        for use in experiment.metrics
        if use["metric"] == key
    )


def versions(session: Session, metric: Metric) -> tuple[MetricVersionInfo, ...]:
    """Every version of a metric, the newest first, each with what it changed."""
    found = service.list_versions(session, metric)
    return tuple(
        MetricVersionInfo(
            version=one.version,
            changed_by=one.changed_by,
            changed_at=one.changed_at,
            changes=tuple(differences((before or one).definition, one.definition)),
            changes_numbers=changes_numbers((before or one).definition, one.definition),
        )
        for one, before in zip(found, [*found[1:], None], strict=True)
    )


def meanwhile(session: Session, metric: Metric, edited: int) -> str:
    """What others changed since somebody opened the form."""
    by_number = {one.version: one for one in service.list_versions(session, metric)}
    current, before = by_number[metric.version], by_number.get(edited)
    told = differences(before.definition, current.definition) if before else []
    return " ".join(
        [
            f"Nothing was stored: {current.changed_by} changed this metric meanwhile.",
            *told,
            "Below is what you typed; save it once more to put it over that change.",
        ]
    )


def facts(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What a metric is, as pairs of a name and a text; what is not given is left out."""
    unit = f" {values['unit_label']}" if values["unit_label"] else ""
    found = {
        "Kind": KIND_TITLES.get(values["kind"], values["kind"]),
        "Events": ", ".join(values["event_kinds"]),
        "Below the line": ", ".join(values["denominator_kinds"]),
        "Quantile": _number(values["quantile"]),
        "Window": formats.counted(values["window_days"], "day"),
        "Better": DIRECTIONS.get(values["direction"], values["direction"]),
        "Matters from": _number(values["minimum_effect"], unit),
        "Floor": _number(values["floor"], unit),
        "Cap": _number(values["cap"], unit),
        "Cap at the quantile": _number(values["cap_quantile"]),
        "Adjusted by": "a model's prediction"
        if values["covariate"] == "model"
        else "the same measure in the window before",
    }
    return tuple((name, text) for name, text in found.items() if text)


def with_preview(view: MetricFormView, preview: PreviewView | None) -> MetricFormView:
    """The form with a preview below it."""
    return replace(view, preview=preview)


def _row(metric: Metric, n_experiments: int) -> MetricRow:
    return MetricRow(
        key=metric.key,
        title=metric.title,
        description=metric.description,
        kind=metric.kind,
        window_days=metric.window_days,
        direction=metric.direction,
        unit_label=metric.unit_label,
        minimum_effect=metric.minimum_effect,
        version=metric.version,
        n_experiments=n_experiments,
    )


def _experiments(session: Session, environment: Environment) -> list[Experiment]:
    return list(experiments.list_experiments(session, int(environment.id or 0)))


def _frozen_version(session: Session, experiment: Experiment, key: str) -> int | None:
    """Which version the experiment's current or last phase measures with."""
    if not experiment.phase:
        return None
    design = experiments.load_phase(session, experiment).design
    for use in design["metrics"]:
        if use["definition"]["key"] == key:
            version = use["definition"].get("version")
            return None if version is None else int(version)
    return None


def _number(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{formats.number(value)}{unit}"
