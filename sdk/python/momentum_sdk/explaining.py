"""Why a learner gets what it gets, in words that a product manager understands."""

from typing import Any

from ._assignment import Evaluation
from .answers import Status

_REASONS = {
    "split": "The hash of the {unit} put {whom} into the variant {variant} of this experiment.",
    "forced": "A product manager put {whom} into the variant {variant}; it does not count.",
    "targeting_match": "Rule {number} is for these attributes and gives {value}.",
    "default": "It has no rule that decides, so its default value {value} applies.",
    "off": "It is switched off in this environment and gives {value}.",
    "not_targeted": "Its rules are not for these attributes, so {value} applies.",
    "not_covered": "It is for these attributes, but by the hash of the {unit} {whom} lies outside "
    "the covered share or the namespace, so {value} applies.",
    "no_unit": "It decides by the {unit}, which was not given, so {value} applies.",
    "prerequisite": "Another flag that it waits for does not hold, so {value} applies.",
    "circular_prerequisite": "Flags wait for each other in a circle, so {value} applies. Someone "
    "must open the circle.",
    "unknown_flag": "No flag and no running experiment has this key, so your default applies. "
    "Check the key, and whether the experiment was started in this environment.",
    "error": "Its definition, or what was handed in, cannot be used, so your default applies. The "
    "log says more.",
}
_UNITS = {"id": "learner's id", "team": "team"}


def explain(flag: str, evaluation: Evaluation | None, status: Status) -> str:
    """The sentences for one evaluation; None stands for no definitions."""
    if evaluation is None:
        return f"{flag}: No definitions are known yet, so your default applies."
    told = _REASONS.get(evaluation.reason, "The reason is {reason}.").format(
        unit=_UNITS.get(evaluation.unit_attribute, evaluation.unit_attribute),
        whom="the team" if evaluation.unit_attribute == "team" else "the learner",
        variant=f"'{evaluation.variant}'",
        number=evaluation.rule + 1,
        value=_value(evaluation),
        reason=evaluation.reason,
    )
    return f"{flag}: {told} {_exposure(evaluation)}{_definitions(status)}"


def _value(evaluation: Evaluation) -> str:
    if evaluation.variant is not None:
        return f"the variant '{evaluation.variant}'"
    return _shown(evaluation.value)


def _shown(value: Any) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _exposure(evaluation: Evaluation) -> str:
    if evaluation.in_experiment:
        return "Asking for the variant logs an exposure. "
    return ""


def _definitions(status: Status) -> str:
    place = f" of {status.environment}" if status.environment else ""
    told = f"Decided by version {status.version}{place}"
    if not status.is_stale:
        return told + "."
    return told + ", which the server has not confirmed for a while."
