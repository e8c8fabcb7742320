"""Kinds of design, one file each: who gets which variant when, and what the analysis must know."""

from datetime import datetime, timedelta
from typing import Any, Final

from experiment_server.experiments.designs import crossover, factorial, parallel
from experiment_server.experiments.designs.kind import Design, Kind

CROSSOVER: Final = crossover.KIND.name
FACTORIAL: Final = factorial.KIND.name

# One row a file. The first that the definition asks for is its kind; the last takes all others.
DESIGNS: Final = (crossover.KIND, factorial.KIND, parallel.KIND)


def kind_of(design: Design) -> Kind:
    """The kind of a definition, or of a phase's frozen design."""
    return next(kind for kind in DESIGNS if kind.is_asked(design))


def delivered_keys(design: Design) -> tuple[str, ...]:
    """The keys of everything that a unit may be exposed to."""
    split = kind_of(design).split(design, timedelta(0))
    return tuple(variant["key"] for variant in split.variants)


def arm_keys(design: Design) -> tuple[str, ...]:
    """What a list may assign units to."""
    return tuple(arm.key for arm in kind_of(design).split(design, timedelta(0)).arms)


def turns_around(
    design: Design, started_at: datetime, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """When the split of a phase changed last by itself, and when it will next; None: not so."""
    turns = [started_at + after for after in kind_of(design).turns(design)]
    last = max((turn for turn in turns if turn <= now), default=None)
    return last, min((turn for turn in turns if turn > now), default=None)


def structure_of(design: Design) -> dict[str, Any]:
    """What an analysis has to know besides the variants: the kind's name, and its own members.

    - factorial: ``factors`` [{key, title, levels, shares}], ``variants`` key -> {factor: level}.
    - crossover: ``period_days``, ``washout_days``, ``orders`` order -> treatments, ``variants``
      variant -> {order, period (from 1), treatment, before (the treatment before, None)}.
    - any of them: ``stratified``, whether units were assigned by lists within strata.
    """
    kind = kind_of(design)
    stratified = bool((design.get("allocation") or {}).get("strata"))
    return {"kind": kind.name, **kind.structure(design), "stratified": stratified}
