"""Momentum's own event standard: exposures, events and learner descriptions."""

from collections.abc import Callable
from typing import Any, Final

from analysis.kinds import CUSTOM_PREFIX, KINDS, OUTCOME_PREFIX, may_be_sent
from experiment_server.ingest.items import (
    KnownExperiment,
    ParsedItem,
    Refusal,
    Rules,
    Unacceptable,
)
from experiment_server.ingest.values import (
    MAX_ID,
    MAX_UNIT,
    dump_properties,
    read_object,
    read_optional_day,
    read_optional_number,
    read_optional_step,
    read_optional_text,
    read_text,
    read_time,
    readable_id,
    refuse_unknown,
    shown,
)

LEARNER_ATTRIBUTES: Final = ("role", "region", "team", "manager", "started_on")
_OTHERS: Final = (OUTCOME_PREFIX, "xapi:")  # how ids of other standards begin in the ledger
_UNIT_FIELDS: Final = {"learner": "learner", "team": "unit"}
_SHARED: Final = frozenset({"type", "id", "learner", "at"})
_MEMBERS: Final = {
    "exposure": _SHARED | {"experiment", "variant", "unit", "attributes"},
    "event": _SHARED | {"kind", "value", "properties"},
    "learner": _SHARED | {"attributes"},
}
_EXAMPLE_ID: Final = "6f1c0b1e-9d7a-4f0e-8f5e-2f1f5a9c7d10"


def parse_item(item: Any, index: int, rules: Rules) -> ParsedItem | Refusal:
    """One item of a batch as a lake row, or why not. Never raises, whatever the item is."""
    try:
        return _parse(item, rules)
    except Unacceptable as refused:
        sent_id = readable_id(item)
        return Refusal(index, sent_id, refused.field, refused.reason, refused.remedy)


def _parse(item: Any, rules: Rules) -> ParsedItem:
    if type(item) is not dict:
        raise Unacceptable(
            "item",
            f"is {shown(item)}, not an object",
            'send {"type": "event", "id": ..., "kind": ..., "learner": ..., "at": ...}',
        )
    kind = item.get("type")
    parse = _PARSERS.get(kind) if type(kind) is str else None
    if parse is None:
        found = "is missing" if kind is None else f"is {shown(kind)}"
        raise Unacceptable("type", found, "use one of " + ", ".join(map(repr, _PARSERS)))
    refuse_unknown(item, _MEMBERS[str(kind)])
    event_id = read_text(item, "id", "id", _EXAMPLE_ID, MAX_ID)
    if event_id.startswith(_OTHERS):
        # The ledger would take the outcome or statement of that id for received, and drop it.
        found = f"{shown(event_id)} begins like the ids of outcomes or statements"
        raise Unacceptable("id", found, f"begin it otherwise, for example {_EXAMPLE_ID!r}")
    learner = read_text(item, "learner", "learner", "learner-17", MAX_UNIT)
    row = {
        "event_id": event_id,
        "learner": rules.pseudonyms.learner(learner),
        "received_at": rules.received_micros,
    }
    return ParsedItem(event_id, parse(item, row, rules), row)


def _parse_event(item: dict[str, Any], row: dict[str, Any], rules: Rules) -> str:
    kind = read_text(item, "kind", "kind", "challenge_completed", MAX_ID)
    if not may_be_sent(kind):
        known = ", ".join(known.name for known in KINDS)
        raise Unacceptable(
            "kind", f"{shown(kind)} is unknown", f"use one of {known} or {CUSTOM_PREFIX}<name>"
        )
    properties = read_object(item, "properties")
    row["kind"] = kind
    row["occurred_at"] = read_time(item, "at", rules)
    row["value"] = read_optional_number(item, "value")
    if properties:
        row["properties"] = dump_properties(properties)
        for name, example in (("activity", "quiz-7"), ("topic", "discovery"), ("course", "c-1")):
            row[name] = read_optional_text(properties, name, f"properties.{name}", example)
        row["step"] = read_optional_step(properties, "step", "properties.step")
    return "events"


def _parse_exposure(item: dict[str, Any], row: dict[str, Any], rules: Rules) -> str:
    key = read_text(item, "experiment", "experiment", "welcome-badge", MAX_ID)
    experiment = _started_experiment(key, rules)
    variant = read_text(item, "variant", "variant", experiment.variants[0], MAX_ID)
    if variant not in experiment.variants:
        raise Unacceptable(
            "variant",
            f"{shown(variant)} is not a variant of {key!r}",
            "use one of " + ", ".join(map(repr, experiment.variants)),
        )
    attributes = read_object(item, "attributes")
    row["experiment"] = key
    row["variant"] = variant
    row["unit_kind"] = experiment.unit_kind
    row["exposed_at"] = read_time(item, "at", rules)
    row["unit"] = _unit(item, row["learner"], experiment, rules)
    if experiment.strata:
        row["stratum"] = experiment.strata.get(item[_UNIT_FIELDS[experiment.unit_kind]])
    _read_attributes(attributes, row, rules)
    return "exposures"


def _started_experiment(key: str, rules: Rules) -> KnownExperiment:
    experiment = rules.experiments.get(key)
    if experiment is None:
        raise Unacceptable(
            "experiment",
            f"{shown(key)} is not an experiment of this environment",
            "send the experiment's key as the SDK gave it, with this environment's own API key",
        )
    if not experiment.started:
        raise Unacceptable(
            "experiment",
            f"{shown(key)} was never started",
            "start the experiment first; a draft has no exposures",
        )
    return experiment


def _unit(item: dict[str, Any], learner: str, experiment: KnownExperiment, rules: Rules) -> str:
    if experiment.unit_kind == "learner":
        return learner
    return rules.pseudonyms.team(read_text(item, "unit", "unit", "team-4", MAX_UNIT))


def _parse_learner(item: dict[str, Any], row: dict[str, Any], rules: Rules) -> str:
    if not rules.may_describe:
        raise Unacceptable(
            "type",
            "'learner' items come from servers only",
            "send them with a server key; a client key is public, so it may not describe learners",
        )
    attributes = read_object(item, "attributes")
    unknown = next((name for name in attributes if name not in LEARNER_ATTRIBUTES), None)
    if unknown is not None:
        raise Unacceptable(
            "attributes",
            f"has {shown(unknown)}, which is not kept",
            "send only " + ", ".join(LEARNER_ATTRIBUTES),
        )
    row["described_at"] = read_time(item, "at", rules)
    _read_attributes(attributes, row, rules)
    manager = read_optional_text(attributes, "manager", "attributes.manager", "learner-4", MAX_UNIT)
    row["manager"] = None if manager is None else rules.pseudonyms.learner(manager)
    row["started_on"] = read_optional_day(attributes, "started_on", "attributes.started_on")
    return "learners"


def _read_attributes(attributes: dict[str, Any], row: dict[str, Any], rules: Rules) -> None:
    for name, example in (("role", "account executive"), ("region", "EMEA")):
        row[name] = read_optional_text(attributes, name, f"attributes.{name}", example)
    team = read_optional_text(attributes, "team", "attributes.team", "team-4", MAX_UNIT)
    row["team"] = None if team is None else rules.pseudonyms.team(team)


_PARSERS: Final[dict[str, Callable[[dict[str, Any], dict[str, Any], Rules], str]]] = {
    "exposure": _parse_exposure,
    "event": _parse_event,
    "learner": _parse_learner,
}
