"""GrowthBook's remote evaluation: each flag's answer, in the shape of a payload. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from assignment import Evaluation, Payload, evaluate, parse_payload
from experiment_server.delivery.context import Asked
from experiment_server.delivery.service import SERVERS, Edition


def evaluate_all(edition: Edition, asked: Asked) -> dict[str, Any]:
    """A payload that gives one learner what the rules would, and shows no rule."""
    whole = edition[SERVERS].content
    attributes, visit = asked.attributes, asked.visit
    rules = _with_forced_values(edition, asked.forced_values)
    return {
        "status": 200,
        "features": {
            key: _feature(feature, evaluate(rules, key, attributes, visit), attributes)
            for key, feature in whole["features"].items()
            if key not in edition.server_only
        },
        "savedGroups": {},
        "dateUpdated": whole["dateUpdated"],
    }


def _with_forced_values(edition: Edition, forced: Mapping[str, Any]) -> Payload:
    """The rules, where a flag that is forced says its value to everybody, other flags included."""
    known = {
        key: {"defaultValue": value}
        for key, value in forced.items()
        if key in edition.rules.flags and key not in edition.server_only
    }
    if not known:
        return edition.rules
    flags = {**edition.rules.flags, **parse_payload({"features": known}).flags}
    return replace(edition.rules, flags=flags)


def _feature(
    feature: Mapping[str, Any], answer: Evaluation, attributes: Mapping[str, Any]
) -> dict[str, Any]:
    if not answer.in_experiment:
        return {"defaultValue": answer.value, "rules": []}
    tracks = [_track(feature["rules"][answer.rule], answer, attributes)]
    return {"defaultValue": answer.value, "rules": [{"force": answer.value, "tracks": tracks}]}


def _track(
    rule: Mapping[str, Any], answer: Evaluation, attributes: Mapping[str, Any]
) -> dict[str, Any]:
    """What the SDK tells its tracking callback: the experiment, and the learner's place in it."""
    variants = [meta["key"] for meta in rule["meta"]]
    number = variants.index(answer.variant)
    experiment = {
        "key": answer.experiment,
        "variations": rule["variations"],
        "hashAttribute": answer.unit_attribute,
        "phase": answer.phase,
    }
    result = {
        "key": answer.variant,
        "variationId": number,
        "value": answer.value,
        "inExperiment": True,
        "hashUsed": True,
        "hashAttribute": answer.unit_attribute,
        "hashValue": str(attributes.get(answer.unit_attribute, "")),
        "featureId": answer.experiment,
    }
    return {"experiment": experiment, "result": result}
