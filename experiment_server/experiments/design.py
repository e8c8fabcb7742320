"""An experiment's design: what callers may wish for, made whole and checked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from experiment_server.flags.compile import check_feature
from experiment_server.flags.targeting import check_condition
from experiment_server.metrics.models import Metric
from experiment_server.problems import FieldError, invalid_fields, shown

DOMAINS: Final = ("incentive", "challenge_format", "sequencing", "messaging", "other")
UNIT_KINDS: Final = ("learner", "team")
UNIT_ATTRIBUTES: Final = {"learner": "id", "team": "team"}
ROLES: Final = ("primary", "secondary", "guardrail")
DEFAULT_ANALYSIS: Final = {"alpha": 0.05, "power": 0.8, "minimum_days": 14}
DEFAULT_LOOKS: Final = 4
DEFAULT_EVERY_DAYS: Final = 7
SETTLING_DAYS: Final = 7  # between the first complete outcome windows and the first look
HASH_VERSION: Final = 2

Design = Mapping[str, Any]


def complete_design(wish: Design, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """The design with its defaults filled in and its weights summing to 1.

    Args:
        wish: the columns of an experiment as the caller sent them.
        metrics: the metric definitions that it names, by key.

    Raises:
        Problem: 422, naming every field that does not fit.
    """
    errors = [
        *_choice_errors(wish),
        *_variant_errors(wish["variants"], wish.get("forced") or {}),
        *_namespace_errors(wish.get("namespace")),
        *_metric_errors(wish["metrics"], metrics),
    ]
    if errors:
        raise invalid_fields(errors)
    total = sum(variant["weight"] for variant in wish["variants"])
    variants = [
        {
            **variant,
            "title": variant["title"] or variant["key"],
            "weight": variant["weight"] / total,
        }
        for variant in wish["variants"]
    ]
    primary = next(use for use in wish["metrics"] if use["role"] == "primary")
    schedule = {
        "looks": DEFAULT_LOOKS,
        "first_after_days": metrics[primary["metric"]].window_days + SETTLING_DAYS,
        "every_days": DEFAULT_EVERY_DAYS,
        **_given(wish.get("schedule")),
    }
    analysis = {**DEFAULT_ANALYSIS, **_given(wish.get("analysis"))}
    return {**wish, "variants": variants, "schedule": schedule, "analysis": analysis}


def compile_experiment(key: str, title: str, design: Design, seed: str) -> dict[str, Any]:
    """A running experiment as a feature of the payload."""
    attribute = UNIT_ATTRIBUTES[design["unit_kind"]]
    variants = design["variants"]
    rule: dict[str, Any] = {
        "key": key,
        "name": title,
        "seed": seed,
        "hashVersion": HASH_VERSION,
        "hashAttribute": attribute,
        "variations": [variant["payload"] for variant in variants],
        "weights": [variant["weight"] for variant in variants],
        "coverage": design["coverage"],
        "condition": design["condition"],
        "phase": seed.rpartition(":")[2],
        "meta": [{"key": variant["key"], "name": variant["title"]} for variant in variants],
        "minBucketVersion": 0,
    }
    if design.get("namespace"):
        space = design["namespace"]
        rule["namespace"] = [space["name"], space["low"], space["high"]]
    return {
        "defaultValue": variants[0]["payload"],
        "rules": [*_forced_rules(attribute, design), rule],
        "momentum": {
            "experiment": True,
            "control": variants[0]["key"],
            "unit_kind": design["unit_kind"],
        },
    }


def check_compiled(key: str, title: str, design: Design) -> None:
    """Refuse a condition that no SDK could read.

    Raises:
        Problem: 422.
    """
    check_condition(design["condition"], "condition")
    check_feature(
        key, compile_experiment(key, title, {**design, "forced": {}}, f"{key}:1"), "rules[0]."
    )


def _forced_rules(attribute: str, design: Design) -> list[dict[str, Any]]:
    units_of: dict[str, list[str]] = {}
    for unit, variant in sorted((design.get("forced") or {}).items()):
        units_of.setdefault(variant, []).append(unit)
    return [
        {
            "condition": {attribute: {"$in": units_of[variant["key"]]}},
            "force": variant["payload"],
            "momentum": {"forced_variant": variant["key"]},
        }
        for variant in design["variants"]
        if variant["key"] in units_of
    ]


def _given(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (values or {}).items() if value is not None}


def _choice_errors(wish: Design) -> list[FieldError]:
    choices = {"domain": DOMAINS, "unit_kind": UNIT_KINDS}
    return [
        FieldError(field, shown(wish[field]), "one of " + ", ".join(known), f"Example: {known[0]}.")
        for field, known in choices.items()
        if wish[field] not in known
    ]


def _variant_errors(
    variants: Sequence[Mapping[str, Any]], forced: Mapping[str, str]
) -> list[FieldError]:
    keys = [variant["key"] for variant in variants]
    errors = [
        FieldError(f"variants[{i}].key", shown(key), "a key of its own", "Name each variant once.")
        for i, key in enumerate(keys)
        if key in keys[:i]
    ]
    errors += [
        FieldError(f"forced.{shown(unit)}", shown(key), "one of " + ", ".join(keys), "Check it.")
        for unit, key in forced.items()
        if key not in keys
    ]
    return errors


def _namespace_errors(namespace: Mapping[str, Any] | None) -> list[FieldError]:
    if namespace is None or namespace["low"] < namespace["high"]:
        return []
    found = f"{namespace['low']} to {namespace['high']}"
    remedy = 'For the first half: {"name": "onboarding", "low": 0, "high": 0.5}.'
    return [FieldError("namespace.high", found, "a range whose high is above its low", remedy)]


def _metric_errors(
    uses: Sequence[Mapping[str, Any]], metrics: Mapping[str, Metric]
) -> list[FieldError]:
    errors = []
    n_primary = sum(use["role"] == "primary" for use in uses)
    if n_primary != 1:
        remedy = "Decide before the start which one metric the decision is about."
        found = f"{n_primary} primary metrics"
        errors.append(FieldError("metrics", found, "exactly one with the role primary", remedy))
    for index, use in enumerate(uses):
        field = f"metrics[{index}].metric"
        if use["metric"] not in metrics:
            remedy = "GET /api/v1/metrics lists them."
            errors.append(FieldError(field, shown(use["metric"]), "the key of a metric", remedy))
        elif use["metric"] in [other["metric"] for other in uses[:index]]:
            found = shown(use["metric"])
            errors.append(FieldError(field, found, "a metric of its own", "Name each metric once."))
    return errors
