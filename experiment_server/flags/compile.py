"""A flag in one environment as a feature of the payload."""

from typing import Any, Final

from assignment import InvalidPayload, parse_payload
from experiment_server.flags.models import Flag, FlagEnvironment
from experiment_server.problems import FieldError, invalid_fields

HASH_VERSION: Final = 2


def compile_flag(flag: Flag, place: FlagEnvironment | None) -> dict[str, Any]:
    """The feature; a flag that is off, or unknown to the environment, gives its default value."""
    if place is None or not place.enabled:
        return {
            "defaultValue": flag.default_value,
            "rules": [],
            "momentum": {"enabled": False},
        }
    return {
        "defaultValue": flag.default_value,
        "rules": [compile_rule(rule) for rule in place.rules],
    }


def compile_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """A force rule: whoever fits the condition and falls into the coverage gets the value."""
    compiled: dict[str, Any] = {"force": rule["value"]}
    if rule.get("condition"):
        compiled["condition"] = rule["condition"]
    if rule.get("coverage") is not None:
        compiled["coverage"] = rule["coverage"]
        compiled["hashAttribute"] = "id"
        compiled["hashVersion"] = HASH_VERSION
    return compiled


def check_feature(key: str, feature: dict[str, Any], own: str = "") -> None:
    """Refuse a feature that an SDK could not read; the engine itself is the judge.

    Args:
        key: of the flag or experiment.
        feature: compiled.
        own: the path, within the feature, of what the caller wrote; errors are named from there.

    Raises:
        Problem: 422.
    """
    try:
        parse_payload({"features": {key: feature}})
    except InvalidPayload as error:
        field = error.path.removeprefix(f"features.{key}.").removeprefix(own)
        remedy = "Conditions follow the GrowthBook SDK specification."
        raise invalid_fields(
            [FieldError(field, error.found, str(error.expected), remedy)]
        ) from error
