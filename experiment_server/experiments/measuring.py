"""An experiment whose two sides are a holdout's: those it keeps out, and all others. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from experiment_server.holdouts.models import Holdout
from experiment_server.problems import FieldError, conflict, invalid_fields, shown

SIDES: Final = 2
WHOLE: Final = {
    "coverage": 1.0,
    "condition": {},
    "namespace": None,
    "forced": {},
    "factors": [],
    "crossover": None,
}


def measuring(wish: Mapping[str, Any], holdout: Holdout) -> dict[str, Any]:
    """The wish with the holdout's shares: its first variant are those that are held out.

    It hashes with the holdout's seed, so both sides are the holdout's to the last unit. Whatever
    would choose among the units is refused, because the holdout does not choose either.

    Raises:
        Problem: 422, naming every field that does not fit.
    """
    remedy = "Leave it out: an experiment that measures a holdout compares all of its units."
    errors = [
        FieldError(field, shown(wish[field]), shown(whole), remedy)
        for field, whole in WHOLE.items()
        if wish[field] != whole
    ]
    if len(wish["variants"]) != SIDES:
        found = f"{len(wish['variants'])} variants"
        remedy = "The first one stands for those who are held out, the second for all others."
        errors.append(FieldError("variants", found, "exactly two", remedy))
    if wish["unit_kind"] != holdout.unit_kind:
        found, expected = shown(wish["unit_kind"]), f"{holdout.unit_kind}, as the holdout has it"
        errors.append(FieldError("unit_kind", found, expected, "Compare what was held out."))
    if errors:
        raise invalid_fields(errors)
    weights = (holdout.share, 1 - holdout.share)
    variants = [
        {**variant, "weight": weight}
        for variant, weight in zip(wish["variants"], weights, strict=True)
    ]
    return {**wish, "variants": variants}


def check_measurable(variants: Sequence[Mapping[str, Any]], holdout: Holdout) -> None:
    """Refuse to start what could no longer find a difference, or has other shares by now.

    Raises:
        Problem: 409.
    """
    if holdout.ended_at is not None:
        raise conflict(
            f"The holdout {holdout.key} has ended: nobody is held out any more, and there is "
            "nothing to compare. Read the experiment that measured it while it lasted."
        )
    if abs(variants[0]["weight"] - holdout.share) > 1e-9:
        raise conflict("The shares are not those of the holdout. Save the definition once more.")
