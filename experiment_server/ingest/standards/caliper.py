"""Caliper 1.2 (and 1.1): an event of an envelope as our event."""

from typing import Any, Final

from analysis.kinds import CUSTOM_PREFIX
from experiment_server.ingest.items import ParsedItem, Refusal, Rules, Unacceptable
from experiment_server.ingest.shortened import shortened
from experiment_server.ingest.values import (
    MAX_ID,
    MAX_NUMBER,
    MAX_TEXT,
    MAX_UNIT,
    dump_properties,
    read_optional_number,
    read_text,
    read_time,
    readable_id,
    shown,
)
from experiment_server.kind_rules.table import CALIPER, SILENT, KindTable, slug

_COURSES: Final = ("CourseOffering", "CourseSection")
_EXAMPLE_ID: Final = "urn:uuid:3a648e68-f00d-4c08-aa59-8738e1884f2c"
_PEOPLE: Final = ("Person", "Agent")  # others that act are programs and organisations


def parse_item(item: Any, index: int, rules: Rules) -> ParsedItem | Refusal:
    """A Caliper event as a lake row, or why not. Never raises, whatever the item is."""
    try:
        return _parse(item, rules)
    except Unacceptable as refused:
        sent_id = readable_id(item)
        return Refusal(index, sent_id, refused.field, refused.reason, refused.remedy)


def is_description(item: Any) -> bool:
    """Whether this describes a thing and says of nobody that they did anything."""
    return (
        type(item) is dict
        and "action" not in item
        and type(item.get("type")) is str
        and not item["type"].endswith("Event")
    )


def is_silent(item: Any, kinds: KindTable) -> bool:
    """Whether the rules say that such an event is none of ours."""
    if type(item) is not dict:
        return False
    return kinds.find(CALIPER, _action(item), _type_of(item.get("object"))) == SILENT


def learner_of(item: Any) -> str | None:
    """The learner's id, where an event names one."""
    actor = item.get("actor") if type(item) is dict else None
    found = actor.get("id") if type(actor) is dict else actor
    return found if type(found) is str and 1 <= len(found) <= MAX_UNIT else None


def _parse(item: Any, rules: Rules) -> ParsedItem:
    if type(item) is not dict:
        raise Unacceptable("event", f"is {shown(item)}, not an object", "send Caliper events")
    sent_id = read_text(item, "id", "id", _EXAMPLE_ID, MAX_ID)
    if not sent_id.startswith("urn:uuid:"):
        raise Unacceptable("id", f"is {shown(sent_id)}", f"write a URN, such as {_EXAMPLE_ID}")
    event_id = sent_id.lower()
    row: dict[str, Any] = {
        "event_id": event_id,
        "kind": _kind(item, rules.kinds),
        "learner": rules.pseudonyms.learner(_learner(item)),
        "occurred_at": read_time(item, "eventTime", rules),
        "received_at": rules.received_micros,
        "value": _value(item),
    }
    _describe(item, row)
    return ParsedItem(event_id, "events", row)


def _action(item: dict[str, Any]) -> str:
    return f"{item.get('type')}/{item.get('action')}"


def _kind(item: dict[str, Any], kinds: KindTable) -> str:
    event_type = read_text(item, "type", "type", "AssessmentEvent", MAX_TEXT)
    read_text(item, "action", "action", "Submitted", MAX_TEXT)
    kind = kinds.find(CALIPER, _action(item), _type_of(item.get("object")))
    if kind is None:
        named = f"{CUSTOM_PREFIX}{slug(event_type)}"
        remedy = f"add a kind rule for it, such as {named}, and replay"
        raise Unacceptable("action", f"{shown(_action(item))} has no kind rule", remedy)
    if kind == SILENT:
        raise Unacceptable("action", f"{shown(_action(item))} is no event", "discard it")
    return kind


def _learner(item: dict[str, Any]) -> str:
    actor = item.get("actor")
    if type(actor) is str:
        return read_text(item, "actor", "actor", "https://example.edu/users/554433", MAX_UNIT)
    if type(actor) is not dict:
        found = "is missing" if actor is None else f"is {shown(actor)}"
        raise Unacceptable("actor", found, "name who acted: a Person with its id")
    kind = actor.get("type", "Person")
    if kind not in _PEOPLE:
        raise Unacceptable("actor.type", f"is {shown(kind)}", "only a Person is a learner")
    return read_text(actor, "id", "actor.id", "https://example.edu/users/554433", MAX_UNIT)


def _type_of(thing: Any) -> str | None:
    found = thing.get("type") if type(thing) is dict else None
    return found if type(found) is str else None


def _value(item: dict[str, Any]) -> float | None:
    """A score as a share of the best possible, where the event generated one."""
    score = item.get("generated")
    if type(score) is not dict or score.get("type") not in ("Score", "Result"):
        return None
    given = read_optional_number(score, "scoreGiven")
    best = read_optional_number(score, "maxScore")
    share = given / best if given is not None and best else None
    return share if share is not None and abs(share) <= MAX_NUMBER else None


def _describe(item: dict[str, Any], row: dict[str, Any]) -> None:
    properties: dict[str, Any] = {"action": _action(item)}
    thing = item.get("object")
    activity = thing.get("id") if type(thing) is dict else thing
    if type(activity) is str and activity.isprintable() and activity:
        properties["activity"] = row["activity"] = shortened(activity)
    if type(thing) is dict:
        for name, source in (("activity_type", "type"), ("activity_name", "name")):
            if type(thing.get(source)) is str and thing[source]:
                properties[name] = thing[source][:MAX_TEXT]
    course = _course_of(item)
    if course is not None:
        properties["course"] = row["course"] = shortened(course)
    row["properties"] = dump_properties(properties)


def _course_of(item: dict[str, Any]) -> str | None:
    """The group of the event, or what it is a part of, that is a course."""
    group = item.get("group")
    for _ in range(3):  # a group of a section of a course
        if type(group) is not dict:
            return None
        found = group.get("id")
        if group.get("type") in _COURSES and type(found) is str and found.isprintable() and found:
            return found
        group = group.get("subOrganizationOf")
    return None
