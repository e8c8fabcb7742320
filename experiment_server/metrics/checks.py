"""Whether a metric's values fit its kind, and the kind fits who is randomised. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from analysis.kinds import KINDS, is_known
from analysis.metrics import METRIC_KINDS_BY_NAME
from analysis.metrics.kind import MetricKind
from experiment_server.problems import FieldError, shown

Values = Mapping[str, Any]

LIMITS: Final = ("floor", "cap", "cap_quantile")
OWN: Final = {"denominator_kinds": "ratio and rate", "quantile": "quantile"}
"""Fields that only some kinds have, and those kinds."""

EXAMPLES: Final = {
    "denominator_kinds": 'For example ["session_started"]: what is counted below the line.',
    "quantile": "For example 0.5, the median.",
}


def value_errors(values: Values) -> list[FieldError]:
    """Every field of a metric that does not fit."""
    kind = METRIC_KINDS_BY_NAME.get(values["kind"])
    if kind is None:
        expected = "one of " + ", ".join(METRIC_KINDS_BY_NAME)
        unknown = FieldError("kind", shown(values["kind"]), expected, "For example count.")
        return [unknown, *_event_errors(values)]
    return [
        *_need_errors(values, kind),
        *_limit_errors(values, kind),
        *_covariate_errors(values, kind),
        *_event_errors(values),
    ]


def team_errors(field: str, definition: Values) -> list[FieldError]:
    """Why a metric cannot judge an experiment that randomises teams; none: it can.

    Args:
        field: where the experiment names the metric.
        definition: the metric's values.
    """
    kind = METRIC_KINDS_BY_NAME[definition["kind"]]
    name = definition["key"]
    if kind.team_remedy:
        found = f"{name}, of kind {kind.name}, which takes learners as independent"
        remedy = kind.team_remedy[:1].upper() + kind.team_remedy[1:] + "."
        return [FieldError(field, found, "a metric that fits teams", remedy)]
    if definition.get("covariate") == "model":
        found = f"{name}, whose covariate is a model of each learner"
        remedy = 'Use a metric with the covariate "window".'
        return [FieldError(field, found, "a metric that fits teams", remedy)]
    return []


def _need_errors(values: Values, kind: MetricKind) -> list[FieldError]:
    errors = []
    if kind.needs_kinds and not values.get("event_kinds"):
        remedy = 'For example ["challenge_completed"].'
        expected = f"at least one kind of event for a {kind.name}"
        errors.append(FieldError("event_kinds", "an empty list", expected, remedy))
    for name, owners in OWN.items():
        value = values.get(name)
        if name in kind.needs and not value:
            found = "nothing" if value is None else shown(value)
            errors.append(FieldError(name, found, f"what a {kind.name} needs", EXAMPLES[name]))
        elif name not in kind.needs and value:
            expected = f"none: only the kinds {owners} have it"
            errors.append(FieldError(name, shown(value), expected, "Leave it out."))
    return errors


def _limit_errors(values: Values, kind: MetricKind) -> list[FieldError]:
    given = {name: values[name] for name in LIMITS if values.get(name) is not None}
    if not kind.can_cap:
        return [
            FieldError(name, shown(value), f"none: a {kind.name} takes no {name}", "Leave it out.")
            for name, value in given.items()
        ]
    errors = []
    if "floor" in given and "cap" in given and given["floor"] >= given["cap"]:
        expected = f"less than the cap, {given['cap']:g}"
        remedy = "Lower the floor or raise the cap."
        errors.append(FieldError("floor", shown(given["floor"]), expected, remedy))
    if "cap" in given and "cap_quantile" in given:
        found = f"{given['cap_quantile']:g} beside a cap of {given['cap']:g}"
        remedy = "Leave one of them out, so that people can tell what was capped."
        errors.append(FieldError("cap_quantile", found, "one way to cap", remedy))
    return errors


def _covariate_errors(values: Values, kind: MetricKind) -> list[FieldError]:
    if values.get("covariate") != "model" or kind.is_one_number:
        return []
    expected = f'"window": a {kind.name} is not one number a learner, which a model could predict'
    return [FieldError("covariate", "'model'", expected, "Leave it out.")]


def kind_errors(field: str, names: Sequence[str]) -> list[FieldError]:
    """Names that no event can have."""
    expected = "one of " + ", ".join(kind.name for kind in KINDS) + ", or custom:<name>"
    return [
        FieldError(f"{field}[{index}]", shown(name), expected, "Check its spelling.")
        for index, name in enumerate(names)
        if not is_known(name)
    ]


def _event_errors(values: Values) -> list[FieldError]:
    return [
        error
        for field in ("event_kinds", "denominator_kinds")
        for error in kind_errors(field, values.get(field) or ())
    ]
