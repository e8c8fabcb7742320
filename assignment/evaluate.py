"""evaluate: a flag and attributes to an answer with its reason. Never raises, never does I/O."""

from typing import Any, Final, Literal

from .evaluation import Evaluation, Reason
from .rules import (
    Attributes,
    ExperimentRule,
    Flag,
    ForceRule,
    Payload,
    Rule,
    decide_experiment,
    decide_force,
)
from .visits import Visit, decide_on_visit

LONGEST_CHAIN: Final = 100
"""Flags that wait for one another beyond this are an error, and never exhaust the stack."""

_UNKNOWN: Final = Evaluation(value=None, variant=None, reason="unknown_flag")
_ERROR: Final = Evaluation(value=None, variant=None, reason="error")


def evaluate(payload: Payload, key: Any, attributes: Any, visit: Visit | None = None) -> Evaluation:
    """What the flag or experiment of this key says to the unit with these attributes.

    Rules are asked in order; the first that decides wins. A learner-level experiment hashes the
    attribute "id", a team-level one "team". A visit adds what is not of the unit itself: variants
    forced by hand or by the page's address, and a memory of earlier variants.

    Returns:
        An evaluation, whatever was handed in: an unknown key and attributes of any odd kind give
        one with the reason "unknown_flag", "no_unit" or "error".
    """
    try:
        try:
            flag = payload.flags[key]  # quicker than get, for a mapping that nobody may change
        except KeyError:
            return _UNKNOWN
        return _evaluate(payload, flag, attributes, visit, ())
    except Exception:  # the host must survive a mapping whose own methods raise
        return _ERROR


def _evaluate(
    payload: Payload,
    flag: Flag,
    attributes: Attributes,
    visit: Visit | None,
    asked: tuple[str, ...],
    known: dict[str, Evaluation] | None = None,
) -> Evaluation:
    """The answer; `known` has those of the flags that were asked on the way.

    Each is asked once: where each waits twice for the next, asking anew doubles with each step.
    """
    if not flag.enabled:
        return flag.answers["off"]
    why: Reason = "default"
    for rule in flag.rules:
        if rule.prerequisites:
            known = {} if known is None else known
            unmet = _unmet(payload, rule, attributes, visit, (*asked, flag.key), known)
            if unmet == "prerequisite" or unmet == "circular_prerequisite":
                return flag.answers[unmet]
            if unmet == "skip":
                why = "not_targeted"
                continue
        decided = _decide(rule, attributes, visit)
        if isinstance(decided, Evaluation):
            return decided
        why = decided
    return flag.answers[why]


def _decide(rule: Rule, attributes: Attributes, visit: Visit | None) -> Evaluation | Reason:
    if isinstance(rule, ExperimentRule):
        if visit is None:
            return decide_experiment(rule, attributes)
        return decide_on_visit(rule, attributes, visit)
    if isinstance(rule, ForceRule):
        remembers = visit is not None and visit.sticky is not None and rule.remembers
        return decide_force(rule, attributes, rule.fallback if remembers else "")
    return "error"


def _unmet(
    payload: Payload,
    rule: Rule,
    attributes: Attributes,
    visit: Visit | None,
    asked: tuple[str, ...],
    known: dict[str, Evaluation],
) -> Literal["prerequisite", "circular_prerequisite", "skip"] | None:
    """What a prerequisite that does not hold leads to; a circle of flags always ends it."""
    if len(asked) > LONGEST_CHAIN:
        raise RecursionError("flags wait for one another in a chain that is too long")
    for prerequisite in rule.prerequisites:
        if prerequisite.flag in asked:
            return "circular_prerequisite"
        answer = known.get(prerequisite.flag)
        parent = payload.flags.get(prerequisite.flag)
        if answer is None and parent is not None:
            answer = _evaluate(payload, parent, attributes, visit, asked, known)
            known[prerequisite.flag] = answer
        if answer is not None and answer.reason == "circular_prerequisite":
            return "circular_prerequisite"
        if not prerequisite.fits({"value": None if answer is None else answer.value}):
            return "prerequisite" if prerequisite.is_gate else "skip"
    return None
