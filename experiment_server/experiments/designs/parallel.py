"""Variants side by side: each unit keeps the one that it was assigned to."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from experiment_server.experiments.designs.kind import (
    Arm,
    Design,
    Kind,
    Split,
    key_errors,
    never,
)
from experiment_server.metrics.models import Metric
from experiment_server.problems import FieldError

FEWEST: Final = 2


def split(design: Design, _since_start: timedelta) -> Split:
    """Every variant by its weight."""
    variants = design["variants"]
    arms = [Arm(variant["key"], variant["weight"]) for variant in variants]
    return Split(variants, arms, {arm.key: index for index, arm in enumerate(arms)})


def normalised(variants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Variants with weights that sum to 1, each with a title."""
    total = sum(variant["weight"] for variant in variants)
    return [
        {
            **priced(variant),
            "title": variant["title"] or variant["key"],
            "weight": variant["weight"] / total,
        }
        for variant in variants
    ]


def priced(variant: Mapping[str, Any]) -> dict[str, Any]:
    """The variant; without a price when nobody said one."""
    return {
        name: value
        for name, value in variant.items()
        if name != "cost_per_learner" or value is not None
    }


def cost_errors(arms: list[dict[str, Any]], field: str) -> list[FieldError]:
    """Arms without a price beside others that have one; ``field`` has a place for the index."""
    unpriced = [n for n, arm in enumerate(arms) if arm.get("cost_per_learner") is None]
    if len(unpriced) in (0, len(arms)):
        return []
    remedy = "Say 0 where it costs nothing, or leave all of them out."
    return [
        FieldError(f"{field.format(n)}.cost_per_learner", "nothing", "a price, as others", remedy)
        for n in unpriced
    ]


def variant_errors(design: Design) -> list[FieldError]:
    """Fewer than two variants, or two of one key."""
    keys = [variant["key"] for variant in design["variants"]]
    if len(keys) < FEWEST:
        remedy = 'For example [{"key": "control"}, {"key": "badge"}], the control first.'
        return [FieldError("variants", f"a list of {len(keys)}", "two variants or more", remedy)]
    return key_errors(keys, "variants[{}].key") + cost_errors(design["variants"], "variants[{}]")


def _errors(design: Design, _metrics: Mapping[str, Metric]) -> list[FieldError]:
    return variant_errors(design)


def _complete(design: Design) -> dict[str, Any]:
    return {**design, "variants": normalised(design["variants"])}


KIND: Final = Kind(
    name="parallel",
    is_asked=lambda _design: True,
    errors=_errors,
    complete=_complete,
    split=split,
    turns=never,
    schedule=lambda _design: {},
    structure=lambda _design: {},
)
