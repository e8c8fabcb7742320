"""evaluate: a flag and attributes to an answer with its reason. Never raises, never does I/O."""

from typing import Any

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

_UNKNOWN = Evaluation(value=None, variant=None, reason="unknown_flag")
_ERROR = Evaluation(value=None, variant=None, reason="error")


def evaluate(payload: Payload, key: str, attributes: Attributes) -> Evaluation:
    """What the flag or experiment of this key says to the unit with these attributes.

    Rules are asked in order; the first that decides wins. A learner-level experiment hashes the
    attribute "id", a team-level one "team".

    Returns:
        An evaluation, whatever was handed in: an unknown key and attributes of any odd kind give
        one with the reason "unknown_flag", "no_unit" or "error".
    """
    try:
        flag = payload.flags.get(key)
        if flag is None:
            return _UNKNOWN
        return _evaluate(payload, flag, attributes, ())
    except Exception:  # the host must survive a mapping whose own methods raise
        return _ERROR


def _evaluate(
    payload: Payload, flag: Flag, attributes: Attributes, asked: tuple[str, ...]
) -> Evaluation:
    if not flag.enabled:
        return flag.answers["off"]
    why: Reason = "default"
    for rule in flag.rules:
        if rule.prerequisites:
            stop = _unmet(payload, flag, rule, attributes, asked)
            if stop is not None and stop.is_final:
                return stop.answer
            if stop is not None:
                why = "prerequisite"
                continue
        decided = _decide(rule, attributes)
        if isinstance(decided, Evaluation):
            return decided
        why = decided
    return flag.answers[why if why != "prerequisite" else "not_targeted"]


def _decide(rule: Rule, attributes: Attributes) -> Evaluation | Reason:
    if isinstance(rule, ExperimentRule):
        return decide_experiment(rule, attributes)
    if isinstance(rule, ForceRule):
        return decide_force(rule, attributes)
    return "error"


class _Stop:
    """A prerequisite that is not met, and whether that ends the evaluation."""

    __slots__ = ("answer", "is_final")

    def __init__(self, answer: Evaluation, *, is_final: bool) -> None:
        self.answer = answer
        self.is_final = is_final


def _unmet(
    payload: Payload, flag: Flag, rule: Rule, attributes: Attributes, asked: tuple[str, ...]
) -> _Stop | None:
    """The first prerequisite that does not hold; a circle of flags always ends the evaluation."""
    for prerequisite in rule.prerequisites:
        path = (*asked, flag.key)
        if prerequisite.flag in path:
            return _Stop(flag.answers["prerequisite"], is_final=True)
        parent = payload.flags.get(prerequisite.flag)
        value: Any = None
        if parent is not None:
            value = _evaluate(payload, parent, attributes, path).value
        if not prerequisite.fits({"value": value}):
            return _Stop(flag.answers["prerequisite"], is_final=prerequisite.is_gate)
    return None
