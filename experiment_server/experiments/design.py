"""An experiment's design: what callers may wish for, made whole and checked."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from analysis.plan import MOST_CO_PRIMARIES
from analysis.spending import parse as parse_spending
from experiment_server.domains import DOMAINS
from experiment_server.experiments.bandit_errors import bandit_errors, bandit_schedule
from experiment_server.experiments.designs import kind_of
from experiment_server.experiments.designs.kind import START, Design, Kind, Moment, Split
from experiment_server.flags.compile import check_feature
from experiment_server.flags.targeting import check_condition
from experiment_server.metrics.checks import kind_errors, team_errors
from experiment_server.metrics.models import Metric
from experiment_server.metrics.service import plain
from experiment_server.problems import FieldError, invalid_fields, shown

UNIT_KINDS: Final = ("learner", "team")
UNIT_ATTRIBUTES: Final = {"learner": "id", "team": "team"}
ROLES: Final = ("primary", "co_primary", "secondary", "guardrail")
DEFAULT_ANALYSIS: Final = {"alpha": 0.05, "power": 0.8, "minimum_days": 14}
DEFAULT_LOOKS: Final = 4
DEFAULT_EVERY_DAYS: Final = 7
SETTLING_DAYS: Final = 7  # between the first complete outcome windows and the first look
HASH_VERSION: Final = 2

DESIGN_FIELDS: Final = ("factors", "crossover")
"""What asks for a kind of design; one experiment has one kind."""


def complete_design(wish: Design, metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """The design with its defaults filled in and its weights summing to 1.

    Args:
        wish: the columns of an experiment as the caller sent them.
        metrics: the metric definitions that it names, by key.

    Raises:
        Problem: 422, naming every field that does not fit.
    """
    kind = kind_of(wish)
    errors = [
        *_choice_errors(wish),
        *_kind_errors(wish),
        *kind.errors(wish, metrics),
        *_namespace_errors(wish.get("namespace")),
        *_analysis_errors(wish.get("analysis")),
        *_take_up_errors(wish),
        *_metric_errors(wish["metrics"], metrics),
        *bandit_errors(wish, metrics),
        *unit_errors(wish, metrics),
    ]
    if errors:
        raise invalid_fields(errors)
    whole = kind.complete(wish)
    errors = _forced_errors(whole["variants"], whole.get("forced") or {})
    if errors:
        raise invalid_fields(errors)
    schedule = {**_schedule(whole, kind, metrics), **_given(wish.get("schedule"))}
    analysis = {**DEFAULT_ANALYSIS, **_given(wish.get("analysis"))}
    return {**whole, "schedule": schedule, "analysis": analysis}


def unit_errors(design: Design, metrics: Mapping[str, Metric]) -> list[FieldError]:
    """Metrics that cannot judge the units which the design randomises."""
    if design["unit_kind"] != "team":
        return []
    return [
        error
        for index, use in enumerate(design["metrics"])
        if use["metric"] in metrics
        for error in team_errors(f"metrics[{index}].metric", plain(metrics[use["metric"]]))
    ]


def compile_experiment(
    key: str, title: str, design: Design, seed: str, moment: Moment = START
) -> dict[str, Any]:
    """A running experiment as a feature of the payload.

    Listed units come before all others, who are left to the hash: each list has a rule of the same
    experiment that gives all of its units one variant. So every SDK counts them as exposed.
    """
    attribute = UNIT_ATTRIBUTES[design["unit_kind"]]
    split = kind_of(design).split(design, moment.since_start)
    rule = _experiment_rule(key, title, design, seed, split)
    listed = [
        _listed_rule(rule, group_name(seed, arm), split, arm) for arm in sorted(moment.listed)
    ]
    if design.get("namespace"):
        space = design["namespace"]
        rule = {**rule, "namespace": [space["name"], space["low"], space["high"]]}
    return {
        "defaultValue": design["variants"][0]["payload"],
        "rules": [*_forced_rules(attribute, design), *listed, rule],
        "momentum": {
            "experiment": True,
            "control": design["variants"][0]["key"],
            "unit_kind": design["unit_kind"],
        },
    }


def compile_groups(seed: str, moment: Moment) -> dict[str, list[str]]:
    """The saved groups that an experiment's listed units are told by."""
    return {group_name(seed, arm): list(units) for arm, units in moment.listed.items()}


def group_name(seed: str, arm: str) -> str:
    """The name of the saved group of one list; a phase's seed is its own."""
    return f"{seed}/{arm}"


def check_compiled(key: str, title: str, design: Design) -> None:
    """Refuse a condition that no SDK could read.

    Raises:
        Problem: 422.
    """
    check_condition(design["condition"], "condition")
    check_feature(
        key, compile_experiment(key, title, {**design, "forced": {}}, f"{key}:1"), "rules[0]."
    )


def _experiment_rule(
    key: str, title: str, design: Design, seed: str, split: Split
) -> dict[str, Any]:
    phase = seed.rpartition(":")[2]
    rule: dict[str, Any] = {
        "key": key,
        "name": title,
        "seed": seed,
        "hashVersion": HASH_VERSION,
        "hashAttribute": UNIT_ATTRIBUTES[design["unit_kind"]],
        "variations": [variant["payload"] for variant in split.variants],
        "weights": split.weights(),
        "coverage": 0.0 if split.is_over else design["coverage"],
        "condition": design["condition"],
        "phase": phase,
        "meta": [{"key": variant["key"], "name": variant["title"]} for variant in split.variants],
        # A new phase draws anew: what an SDK remembers of the last one must not hold.
        "bucketVersion": int(phase) if phase.isdecimal() else 0,
        "minBucketVersion": 0,
    }
    return rule if split.remembers else {**rule, "disableStickyBucketing": True}


def _listed_rule(rule: Mapping[str, Any], group: str, split: Split, arm: str) -> dict[str, Any]:
    """The rule of one list. Its units were checked to be in the namespace, so it names none."""
    listed = {rule["hashAttribute"]: {"$inGroup": group}}
    also = rule["condition"]
    return {
        **rule,
        "condition": {"$and": [listed, also]} if also else listed,
        "weights": split.weights(only=arm),
        "coverage": 0.0 if split.is_over else 1.0,
        "momentum": {"listed": group},
    }


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


def _kind_errors(wish: Design) -> list[FieldError]:
    asked = [field for field in DESIGN_FIELDS if wish.get(field)]
    if len(asked) < 2:
        return []
    remedy = "Leave one of them out."
    return [FieldError(asked[1], f"{asked[1]} beside {asked[0]}", "one kind of design", remedy)]


def _forced_errors(
    variants: Sequence[Mapping[str, Any]], forced: Mapping[str, str]
) -> list[FieldError]:
    keys = [variant["key"] for variant in variants]
    return [
        FieldError(f"forced.{shown(unit)}", shown(key), "one of " + ", ".join(keys), "Check it.")
        for unit, key in forced.items()
        if key not in keys
    ]


def _schedule(design: Design, kind: Kind, metrics: Mapping[str, Metric]) -> dict[str, int]:
    primary = next(use for use in design["metrics"] if use["role"] == "primary")
    return {
        "looks": DEFAULT_LOOKS,
        "first_after_days": metrics[primary["metric"]].window_days + SETTLING_DAYS,
        "every_days": DEFAULT_EVERY_DAYS,
        **kind.schedule(design),
        **bandit_schedule(design),
    }


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
    errors += co_primary_errors(uses, metrics)
    for index, use in enumerate(uses):
        field = f"metrics[{index}].metric"
        if use["metric"] not in metrics:
            remedy = "GET /api/v1/metrics lists them."
            errors.append(FieldError(field, shown(use["metric"]), "the key of a metric", remedy))
        elif use["metric"] in [other["metric"] for other in uses[:index]]:
            found = shown(use["metric"])
            errors.append(FieldError(field, found, "a metric of its own", "Name each metric once."))
        if use.get("margin") is not None and use["role"] != "guardrail":
            remedy = "Leave the margin out, or make the metric a guardrail."
            found = f"{use['margin']} on a {use['role']} metric"
            errors.append(
                FieldError(f"metrics[{index}].margin", found, "a margin on a guardrail", remedy)
            )
    return errors


def co_primary_errors(
    uses: Sequence[Mapping[str, Any]], metrics: Mapping[str, Metric]
) -> list[FieldError]:
    """Too many co-primaries, or one that does not say which effect matters."""
    at = [index for index, use in enumerate(uses) if use["role"] == "co_primary"]
    errors = []
    if len(at) > MOST_CO_PRIMARIES:
        found, expected = f"{len(at)} co-primary metrics", f"at most {MOST_CO_PRIMARIES}"
        remedy = "Each shares the primary's alpha: make those that explain a win secondary."
        errors.append(FieldError(f"metrics[{at[MOST_CO_PRIMARIES]}].role", found, expected, remedy))
    for index in at:
        known = metrics.get(uses[index]["metric"])
        if known is None or uses[index].get("minimum_effect") or known.minimum_effect:
            continue
        found = f"{shown(uses[index]['metric'])} as co-primary, and no minimum effect"
        expected = "the smallest difference that matters, in the metric's unit"
        remedy = "Its information and its watch for harm are measured by it. Example: 5."
        errors.append(FieldError(f"metrics[{index}].minimum_effect", found, expected, remedy))
    return errors


def _analysis_errors(analysis: Mapping[str, Any] | None) -> list[FieldError]:
    spending = (analysis or {}).get("spending")
    if spending is None:
        return []
    try:
        parse_spending(spending)
    except ValueError as error:
        remedy = "Leave it out for O'Brien-Fleming, which suits whoever can wait."
        return [FieldError("analysis.spending", shown(spending), str(error), remedy)]
    return []


def _take_up_errors(wish: Design) -> list[FieldError]:
    kinds = (wish.get("analysis") or {}).get("take_up_kinds") or ()
    if kinds and wish["unit_kind"] == "team":
        expected = "none for teams: who of a team was offered what cannot be told"
        return [FieldError("analysis.take_up_kinds", shown(kinds), expected, "Leave it out.")]
    return kind_errors("analysis.take_up_kinds", kinds)
