"""Factors that are varied independently: every combination of their levels is a variant.

Two questions cost one experiment, each answered with all of its units, and whether the factors help
or hinder each other is answered as well.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import product
from math import prod
from typing import Any, Final

from experiment_server.experiments.designs import parallel
from experiment_server.experiments.designs.kind import (
    MOST_VARIANTS,
    Design,
    Kind,
    Split,
    key_errors,
    never,
)
from experiment_server.metrics.models import Metric
from experiment_server.problems import FieldError

BETWEEN: Final = ":"  # no key has one, so that no two cells share a name
LONGEST_KEY: Final = 128
FEWEST: Final = 2

Factors = Sequence[Mapping[str, Any]]


def cells(factors: Factors) -> list[dict[str, Any]]:
    """Every combination as a variant, the control (all the first levels) first.

    A unit's level of one factor says nothing of its level of another: a cell's weight is the
    product of its levels' shares.
    """
    return [_cell(factors, levels) for levels in product(*(each["levels"] for each in factors))]


def levels_of(factors: Factors) -> dict[str, dict[str, str]]:
    """For each variant its level of each factor."""
    names = [factor["key"] for factor in factors]
    chosen = product(*([level["key"] for level in factor["levels"]] for factor in factors))
    return {BETWEEN.join(keys): dict(zip(names, keys, strict=True)) for keys in chosen}


def split(design: Design, since_start: timedelta) -> Split:
    """Every cell by its weight: one hash, one exposure."""
    return parallel.split(design, since_start)


def _cell(factors: Factors, levels: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "key": BETWEEN.join(level["key"] for level in levels),
        "title": " + ".join(level["title"] or level["key"] for level in levels),
        "weight": prod(level["weight"] for level in levels),
        "payload": {
            factor["key"]: level["payload"] for factor, level in zip(factors, levels, strict=True)
        },
        "cost_per_learner": _cost(levels),
    }


def _cost(levels: Sequence[Mapping[str, Any]]) -> float | None:
    """What the levels of a cell cost together; a factor without prices adds nothing."""
    known = [level["cost_per_learner"] for level in levels if "cost_per_learner" in level]
    known = [cost for cost in known if cost is not None]
    return sum(known) if known else None


def _errors(design: Design, _metrics: Mapping[str, Metric]) -> list[FieldError]:
    factors: Factors = design["factors"]
    errors = key_errors([factor["key"] for factor in factors], "factors[{}].key")
    for index, factor in enumerate(factors):
        keys = [level["key"] for level in factor["levels"]]
        errors += key_errors(keys, f"factors[{index}].levels[{{}}].key")
        errors += parallel.cost_errors(factor["levels"], f"factors[{index}].levels[{{}}]")
    if len(factors) < FEWEST:
        remedy = "With one factor alone, name its levels as variants."
        errors.append(FieldError("factors", "1 factor", "two factors or more", remedy))
    if design["variants"]:
        found = f"a list of {len(design['variants'])}"
        remedy = "Leave variants out: the combinations of the levels are the variants."
        errors.append(FieldError("variants", found, "none beside factors", remedy))
    return errors + _size_errors(factors)


def _size_errors(factors: Factors) -> list[FieldError]:
    n_cells = prod(len(factor["levels"]) for factor in factors)
    if n_cells > MOST_VARIANTS:
        remedy = "Leave out a factor or a level: each cell needs enough units of its own."
        expected = f"at most {MOST_VARIANTS} combinations"
        return [FieldError("factors", f"{n_cells} combinations", expected, remedy)]
    longest = max(levels_of(factors), key=len)
    if len(longest) > LONGEST_KEY:
        expected = f"levels whose keys, joined, have at most {LONGEST_KEY} signs"
        return [FieldError("factors", f"{len(longest)} signs", expected, "Shorten the keys.")]
    return []


def _complete(design: Design) -> dict[str, Any]:
    factors = [
        {
            **factor,
            "title": factor["title"] or factor["key"],
            "levels": parallel.normalised(factor["levels"]),
        }
        for factor in design["factors"]
    ]
    return {**design, "factors": factors, "variants": parallel.normalised(cells(factors))}


def _structure(design: Design) -> dict[str, Any]:
    factors: Factors = design["factors"]
    return {
        "factors": [
            {
                "key": factor["key"],
                "title": factor["title"],
                "levels": [level["key"] for level in factor["levels"]],
                "shares": [level["weight"] for level in factor["levels"]],
            }
            for factor in factors
        ],
        "variants": levels_of(factors),
    }


KIND: Final = Kind(
    name="factorial",
    is_asked=lambda design: bool(design.get("factors")),
    errors=_errors,
    complete=_complete,
    split=split,
    turns=never,
    schedule=lambda _design: {},
    structure=_structure,
)
