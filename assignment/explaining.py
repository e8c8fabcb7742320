"""Why a unit gets what it gets, in words that a product manager understands."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from .bucketing import Range, RingFilter
from .conditions import build_condition
from .evaluate import evaluate
from .evaluation import Evaluation
from .rules import Attributes, ExperimentRule, Flag, ForceRule, Payload, Rule, unit_of
from .values import step_into
from .visits import Visit, whom_to_hash

SENTENCES: Final[Mapping[str, str]] = {
    "split": "The hash of the {unit} put {whom} into the variant {variant} of this experiment.",
    "forced": "A product manager put {whom} into the variant {variant}; it does not count.",
    "preview": "The learner previews the variant {variant}; it does not count.",
    "held_out": "The holdout '{holdout}' keeps {whom} out of this experiment, so {value} applies.",
    "paused": "The experiment is paused, so {value} applies to everybody until it is resumed.",
    "kept": "The experiment is over; {whom} keeps the variant {variant}.",
    "shipped": "The experiment is over, and everybody gets the variant {variant}.",
    "reverted": "The experiment is over, and {value} applies to everybody.",
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
REMEMBERED: Final = "The variant {variant} is remembered for {whom}, whatever the hash says now."
UNITS: Final[Mapping[str, str]] = {"id": "learner's id", "team": "team"}
LONGEST: Final = 80
MOST_NAMED: Final = 5
_COMPARED: Final[Mapping[str, str]] = {
    "$eq": "{}",
    "$ne": "anything but {}",
    "$gt": "more than {}",
    "$gte": "at least {}",
    "$lt": "less than {}",
    "$lte": "at most {}",
    "$regex": "a text that fits the pattern {}",
    "$all": "a list with all of {}",
    "$size": "a list of {}",
}
_LISTED: Final[Mapping[str, str]] = {"$in": "one of", "$nin": "none of"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a unit gets what it gets.

    Attributes:
        key: of the flag or experiment.
        evaluation: what it gets.
        text: the reason in a sentence.
        details: what kept each rule that did not decide from deciding, in the order of asking.
    """

    key: str
    evaluation: Evaluation
    text: str
    details: tuple[str, ...]


def explain(
    payload: Payload, key: str, attributes: Attributes, visit: Visit | None = None
) -> Explanation:
    """Why `evaluate` says what it says to the unit with these attributes."""
    evaluation = evaluate(payload, key, attributes, visit)
    flag = payload.flags.get(key)
    if flag is None or evaluation.reason in ("unknown_flag", "error"):
        return Explanation(key, evaluation, _sentence(evaluation, ""), ())
    holdout = next(
        (
            rule.holdout
            for rule in flag.rules
            if isinstance(rule, ForceRule) and rule.index == evaluation.rule
        ),
        "",
    )
    text = _sentence(evaluation, holdout)
    if _is_remembered(payload, key, attributes, evaluation, visit):
        text = REMEMBERED.format(variant=f"'{evaluation.variant}'", whom=_whom(evaluation))
    details = tuple(_details(payload, flag, attributes, evaluation))
    return Explanation(key, evaluation, text, details)


def _sentence(evaluation: Evaluation, holdout: str) -> str:
    return SENTENCES.get(evaluation.reason, "The reason is {reason}.").format(
        unit=UNITS.get(evaluation.unit_attribute, evaluation.unit_attribute),
        whom=_whom(evaluation),
        variant=f"'{evaluation.variant}'",
        number=evaluation.rule + 1,
        value=_value(evaluation),
        reason=evaluation.reason,
        holdout=holdout,
    )


def _whom(evaluation: Evaluation) -> str:
    return "the team" if evaluation.unit_attribute == "team" else "the learner"


def _value(evaluation: Evaluation) -> str:
    if evaluation.variant is not None:
        return f"the variant '{evaluation.variant}'"
    return _shown(evaluation.value)


def _is_remembered(
    payload: Payload,
    key: str,
    attributes: Attributes,
    evaluation: Evaluation,
    visit: Visit | None,
) -> bool:
    """Whether a memory, and not the hash, gave the variant."""
    if visit is None or visit.sticky is None or not evaluation.in_experiment:
        return False
    hashed = evaluate(payload, key, attributes)
    return hashed.variant != evaluation.variant or not hashed.in_experiment


def _details(
    payload: Payload, flag: Flag, attributes: Attributes, evaluation: Evaluation
) -> Iterator[str]:
    """What is to be said of the rules that were asked before one decided."""
    if evaluation.reason in ("off", "paused", "reverted"):
        return
    asked = [rule for rule in flag.rules if evaluation.rule < 0 or rule.index < evaluation.rule]
    for rule in asked:
        if isinstance(rule, ForceRule) and rule.answer.reason != "targeting_match":
            continue  # to be on nobody's list, and in no holdout, is nothing to be told of
        why = _why_not(payload, rule, attributes)
        if why:
            named = "" if isinstance(rule, ExperimentRule) else f"Rule {rule.index + 1}: "
            yield named + why


def _why_not(payload: Payload, rule: Rule, attributes: Attributes) -> str:
    """The first thing that kept a rule from deciding; "" when it is not of the rule's own."""
    _, unit = whom_to_hash(rule.attribute, rule.fallback, attributes)
    shares = isinstance(rule, ExperimentRule) or (
        isinstance(rule, ForceRule) and rule.covers is not None
    )
    if isinstance(rule, ExperimentRule) and not unit:
        return _unit_missing(rule)
    for clause in _unmet(rule.condition or {}, attributes, payload):
        return clause
    for ring in rule.filters:
        if not _admits(ring, rule, attributes):
            return _outside_ring(ring, rule, attributes)
    if shares and not unit:
        return _unit_missing(rule)
    return _outside_coverage(rule, unit) if shares else ""


def _unit_missing(rule: Rule) -> str:
    name = rule.attribute
    found = "the learner's id" if name == "id" else f"the attribute '{name}'"
    return f"It decides by {found}, which was not given or cannot be one."


def _admits(ring: RingFilter, rule: Rule, attributes: Attributes) -> bool:
    unit = unit_of(attributes, ring.attribute or rule.attribute)
    return bool(unit) and ring.admits(unit)


def _outside_ring(ring: RingFilter, rule: Rule, attributes: Attributes) -> str:
    attribute = ring.attribute or rule.attribute
    unit = unit_of(attributes, attribute)
    if not unit:
        return f"A part of the ring '{ring.seed}' is asked for, by '{attribute}', which is missing."
    place, parts = ring.place(unit), _parts(ring.ranges)
    if ring.seed.startswith("__"):
        return (
            f"The namespace '{ring.seed[2:]}' is taken there: the {_unit(attribute)} lies at "
            f"{place:.4f} of it, and this experiment has {parts}."
        )
    return f"The {_unit(attribute)} lies at {place:.4f} of the ring '{ring.seed}', not in {parts}."


def _outside_coverage(rule: Rule, unit: str) -> str:
    place = -1.0 if rule.place is None else rule.place(unit)
    if isinstance(rule, ExperimentRule):
        share = sum(high - low for low, high in rule.ranges)
        return (
            f"It covers {_percent(share)} of the units: by its hash the {_unit(rule.attribute)} "
            f"lies at {place:.4f}, outside {_parts(rule.ranges)}."
        )
    return f"The {_unit(rule.attribute)} lies at {place:.4f}, outside the share that it covers."


def _unit(attribute: str) -> str:
    return UNITS.get(attribute, attribute)


def _parts(ranges: Sequence[Range]) -> str:
    return " and ".join(f"{low:g} to {high:g}" for low, high in ranges) or "no part"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _unmet(condition: Mapping[str, Any], attributes: Attributes, payload: Payload) -> Iterator[str]:
    """The entries of a condition that do not hold, each in a sentence."""
    for name, expected in condition.items():
        if build_condition({name: expected}, payload.groups)(attributes):
            continue
        if name == "$and" and isinstance(expected, list | tuple):
            for part in expected:
                if isinstance(part, Mapping):
                    yield from _unmet(part, attributes, payload)
        elif name == "$or":
            yield f"None of its alternatives holds: {_shown(expected)}."
        elif name.startswith("$"):
            yield f"What it excludes holds: {_shown({name: expected})}."
        else:
            yield _clause(name, expected, attributes)


def _clause(name: str, expected: Any, attributes: Attributes) -> str:
    found = _found(attributes, name)
    told = "was not given" if found is None else f"is {_shown(found)}"
    if name == "id":
        return "The learner is not among those it is for."
    return f"It is for '{name}' of {_expected(expected)}; '{name}' {told}."


def _found(attributes: Attributes, path: str) -> Any:
    value: Any = attributes
    for name in path.split("."):
        value = step_into(value, name)
    return value


def _expected(expected: Any) -> str:
    """What a condition asks of one attribute."""
    if not isinstance(expected, Mapping):
        return _shown(expected)
    return " and ".join(_operand(str(name), operand) for name, operand in expected.items())


def _operand(name: str, operand: Any) -> str:
    if name in _LISTED and isinstance(operand, list | tuple):
        named = ", ".join(_shown(member) for member in operand[:MOST_NAMED])
        more = f" and {len(operand) - MOST_NAMED} more" if len(operand) > MOST_NAMED else ""
        return f"{_LISTED[name]} {named}{more}"
    if name == "$exists":
        return "any value" if operand else "no value"
    if name in _COMPARED:
        return _COMPARED[name].format(_shown(operand))
    return _shown({name: operand})


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
