"""OFREP 0.3: an evaluation in the words of the OpenFeature Remote Evaluation Protocol. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from assignment import Evaluation, Reason, evaluate
from experiment_server.delivery.service import SERVERS, Edition

FLAG_NOT_FOUND: Final = "FLAG_NOT_FOUND"
GENERAL: Final = "GENERAL"
INVALID_CONTEXT: Final = "INVALID_CONTEXT"
PARSE_ERROR: Final = "PARSE_ERROR"
TARGETING_KEY_MISSING: Final = "TARGETING_KEY_MISSING"

TARGETING_KEY: Final = "targetingKey"
LONGEST_UNIT: Final = 256
UNKNOWN: Final = 404

REASONS: Final[Mapping[Reason, str]] = {
    "targeting_match": "TARGETING_MATCH",
    "split": "SPLIT",
    "forced": "TARGETING_MATCH",
    "preview": "TARGETING_MATCH",
    "held_out": "DEFAULT",
    "paused": "STATIC",
    "kept": "SPLIT",
    "shipped": "STATIC",
    "reverted": "STATIC",
    "default": "STATIC",
    "off": "DISABLED",
    "not_targeted": "DEFAULT",
    "not_covered": "DEFAULT",
    "prerequisite": "DEFAULT",
}

Answer = tuple[int, dict[str, Any]]
"""An HTTP status and a body."""


def evaluate_flag(edition: Edition, key: str, attributes: Mapping[str, Any]) -> Answer:
    """One flag's or experiment's answer."""
    answer = evaluate(edition.rules, key, attributes)
    if answer.reason in REASONS:
        return 200, _success(key, answer)
    if answer.reason == "unknown_flag":
        details = f"Nothing of the key {key!a} is live in this environment."
        return UNKNOWN, failure(FLAG_NOT_FOUND, details, key)
    if answer.reason == "no_unit":
        return 400, _no_unit(key, answer)
    # 400 is what the protocol has for a failed evaluation of one flag; 500 says the service failed.
    details = f"The definition of {key!a} cannot be evaluated ({answer.reason})."
    return 400, failure(GENERAL, details, key)


def evaluate_flags(
    edition: Edition, attributes: Mapping[str, Any], hidden: frozenset[str]
) -> list[dict[str, Any]]:
    """Each flag's and experiment's answer but those of the hidden keys."""
    keys = edition[SERVERS].content["features"]
    answers = (evaluate_flag(edition, key, attributes) for key in keys if key not in hidden)
    return [body for status, body in answers if status != UNKNOWN]  # a draft, to all but previews


def failure(code: str, details: str, key: str | None = None) -> dict[str, Any]:
    """A failed evaluation; without a key, of all flags."""
    named = {} if key is None else {"key": key}
    return {**named, "errorCode": code, "errorDetails": details}


def _no_unit(key: str, answer: Evaluation) -> dict[str, Any]:
    if answer.unit_attribute != "id":
        name = answer.unit_attribute
        return failure(INVALID_CONTEXT, f"{key!a} is shared out by {name}: send {name}.", key)
    details = f"{key!a} is shared out by learner: send the learner's id as {TARGETING_KEY}."
    return failure(TARGETING_KEY_MISSING, details, key)


def _success(key: str, answer: Evaluation) -> dict[str, Any]:
    # Without a value, which null stands for, the caller's own default applies (OFREP ADR 6).
    value = {} if answer.value is None else {"value": answer.value}
    # No version here: it changes with every flag, and browsers would take all for changed.
    metadata: dict[str, Any] = {"reason": answer.reason}
    if answer.experiment is not None:
        metadata["experiment"] = answer.experiment
        metadata["in_experiment"] = answer.in_experiment
    return {
        "key": key,
        **value,
        "reason": REASONS[answer.reason],
        "variant": answer.variant or _variant(answer),
        "metadata": metadata,
    }


def _variant(answer: Evaluation) -> str:
    """A name for the answer of a flag, whose values have none: some providers insist on one."""
    if answer.rule >= 0:
        return f"rule-{answer.rule}"
    return "off" if answer.reason == "off" else "default"
