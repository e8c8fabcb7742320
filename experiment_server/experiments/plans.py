"""From an experiment's definition to the analysis: when to look, and what to compute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from analysis.plan import AnalysisPlan, CrossoverPlan, FactorPlan, MetricPlan, PreviousLook
from experiment_server.experiments.bandit import batches_of, began_at
from experiment_server.experiments.designs import CROSSOVER, FACTORIAL, kind_of, structure_of
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.experiments.pauses import read_pauses, shifted

OPTIONAL_ANALYSIS: Final = ("sides", "spending", "care")
"""Of a design's analysis: what the plan has a default for."""

LISTED_STRATUM: Final = "stratum"
"""Of ``analysis.segments``, which costs every start of the server half a second to import."""

OPTIONAL_METRIC: Final = ("quantile", "floor", "cap_quantile", "covariate", "version")
"""Of a metric's definition: what phases that were started earlier have not frozen."""


@dataclass(frozen=True)
class LookWish:
    """Which look a plan is for."""

    as_of: datetime
    look: int = 1
    previous: tuple[PreviousLook, ...] = ()
    lake_version: Mapping[str, int] = field(default_factory=dict)


def look_times(_experiment: Experiment, phase: ExperimentPhase) -> list[datetime]:
    """When the looks of a phase are due, the first one first.

    A look comes later by the pauses before it. While a pause lasts, nobody can know when the next
    looks are due, so they are left out.
    """
    schedule = phase.design["schedule"]
    first = began_at(phase) + timedelta(days=schedule["first_after_days"])
    every = timedelta(days=schedule["every_days"])
    pauses = read_pauses(phase.pauses)
    planned = (first + index * every for index in range(schedule["looks"]))
    return [due for due in (shifted(at, pauses) for at in planned) if due is not None]


def build_plan(experiment: Experiment, phase: ExperimentPhase, wish: LookWish) -> AnalysisPlan:
    """What to compute at one look, from the design as the phase was started with."""
    design = phase.design
    analysis = design["analysis"]
    looks = design["schedule"]["looks"]
    return AnalysisPlan(
        experiment=experiment.key,
        title=experiment.title,
        domain=experiment.domain,
        unit_kind=design["unit_kind"],
        variants=tuple(variant["key"] for variant in design["variants"]),
        weights=tuple(variant["weight"] for variant in design["variants"]),
        metrics=tuple(_metric_plan(use) for use in design["metrics"]),
        started_at=began_at(phase),
        as_of=wish.as_of,
        phase=phase.number,
        look=wish.look,
        looks_planned=looks,
        final=wish.look >= looks,
        previous_looks=wish.previous,
        alpha=analysis["alpha"],
        power=analysis["power"],
        minimum_days=analysis["minimum_days"],
        score_version=design["score_version"] or "",
        lake_version=dict(wish.lake_version),
        definition_version=design["definition_version"],
        variant_titles=tuple(variant["title"] or variant["key"] for variant in design["variants"]),
        batches=batches_of(phase),
        costs=_costs(design["variants"]),
        strata=_strata(design),
        **_factors(design),
        crossover=_crossover(design),
        take_up_kinds=tuple(analysis.get("take_up_kinds", ())),
        source={"key": design["source"]} if design.get("source") else {},
        **{name: analysis[name] for name in OPTIONAL_ANALYSIS if name in analysis},
    )


def _strata(design: Mapping[str, Any]) -> tuple[str, ...]:
    """The strata of the list, where learners were assigned within some.

    Teams are compared as teams, by the spread between them, and a crossover within its units.
    """
    is_listed = structure_of(design)["stratified"] and design["unit_kind"] == "learner"
    return (LISTED_STRATUM,) if is_listed and kind_of(design).name != CROSSOVER else ()


def _factors(design: Mapping[str, Any]) -> dict[str, Any]:
    """Of a factorial experiment: its factors, and the levels that each variant stands for."""
    if kind_of(design).name != FACTORIAL:
        return {}
    levels = structure_of(design)["variants"]
    return {
        "factors": tuple(
            FactorPlan(
                key=factor["key"],
                title=factor["title"],
                levels=tuple(level["key"] for level in factor["levels"]),
                level_titles=tuple(level["title"] for level in factor["levels"]),
            )
            for factor in design["factors"]
        ),
        "cells": {variant: tuple(chosen.values()) for variant, chosen in levels.items()},
    }


def _crossover(design: Mapping[str, Any]) -> CrossoverPlan | None:
    """Of a crossover: its periods, and the order and period that each exposure names."""
    if kind_of(design).name != CROSSOVER:
        return None
    known = structure_of(design)
    return CrossoverPlan(
        period_days=known["period_days"],
        washout_days=known["washout_days"],
        orders={key: tuple(order) for key, order in known["orders"].items()},
        places={
            variant: (place["order"], place["period"])
            for variant, place in known["variants"].items()
        },
    )


def design_structure(phase: ExperimentPhase) -> dict[str, Any]:
    """Factors, orders and strata of a phase: see ``designs.structure_of``."""
    return structure_of(phase.design)


def _costs(variants: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """What a learner of each variant costs; () when that is not known of all."""
    known = [variant.get("cost_per_learner") for variant in variants]
    costs = tuple(float(cost) for cost in known if cost is not None)
    return costs if len(costs) == len(known) else ()


def _metric_plan(use: Mapping[str, Any]) -> MetricPlan:
    definition = use["definition"]
    return MetricPlan(
        key=definition["key"],
        title=definition["title"],
        kind=definition["kind"],
        role=use["role"],
        direction=definition["direction"],
        event_kinds=tuple(definition["event_kinds"]),
        window_days=definition["window_days"],
        minimum_effect=use["minimum_effect"],
        cap=definition["cap"],
        unit_label=definition["unit_label"],
        margin=use.get("margin"),
        value_per_unit=use.get("value_per_unit"),
        currency=use.get("currency") or "",
        denominator_kinds=tuple(definition.get("denominator_kinds", ())),
        **{name: definition[name] for name in OPTIONAL_METRIC if name in definition},
    )
