"""Learners who see a variant before it is tried, or while it is, without being counted. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from experiment_server.problems import FieldError, invalid_fields, shown

MOST_PREVIEWS: Final = 50  # of one experiment; colleagues, not a share of the learners


def check_previews(previews: Mapping[str, str], variants: Sequence[Mapping[str, Any]]) -> None:
    """Refuse previews of variants that do not exist.

    Raises:
        Problem: 422, naming each learner whose variant does not fit.
    """
    keys = [variant["key"] for variant in variants]
    remedy = "Name a variant of the experiment, or take the learner out of the previews first."
    errors = [
        FieldError(f"previews.{shown(learner)}", shown(key), "one of " + ", ".join(keys), remedy)
        for learner, key in previews.items()
        if key not in keys
    ]
    if errors:
        raise invalid_fields(errors)
