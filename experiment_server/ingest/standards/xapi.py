"""xAPI: a statement as our event. Who, what kind, when, how much, about what."""

from typing import Any, Final

from analysis.kinds import CUSTOM_PREFIX, KINDS_BY_NAME
from experiment_server.ingest.items import ParsedItem, Refusal, Rules, Unacceptable
from experiment_server.ingest.shortened import shortened
from experiment_server.ingest.values import (
    MAX_NUMBER,
    MAX_TEXT,
    MAX_UNIT,
    dump_properties,
    read_text,
    read_time,
    readable_id,
    shown,
)
from experiment_server.kind_rules.table import CLASSES, SILENT, XAPI, KindTable, slug
from experiment_server.statements.grammar import CONTEXT_ACTIVITIES, Grammar
from experiment_server.statements.identity import learner_id
from experiment_server.statements.values import InvalidStatement

_GRAMMARS: Final = {"1": Grammar("1.0"), "2": Grammar("2.0")}
_SCORED: Final = ("challenge_completed", "course_completed")
_PROGRESS: Final = (
    "https://w3id.org/xapi/cmi5/result/extensions/progress",
    "https://w3id.org/xapi/video/extensions/progress",
    "http://w3id.org/xapi/cmi5/result/extensions/progress",
)
_POSITION: Final = "http://id.tincanapi.com/extension/position"
_COURSE: Final = "course"


def parse_item(item: Any, index: int, rules: Rules) -> ParsedItem | Refusal:
    """A statement as a lake row, or why not. Never raises, whatever the item is."""
    try:
        _check(item)
        return _parse(item, rules)
    except Unacceptable as refused:
        sent_id = readable_id(item)
        return Refusal(index, sent_id, refused.field, refused.reason, refused.remedy)


def is_silent(statement: dict[str, Any], kinds: KindTable) -> bool:
    """Whether the rules say that such a checked statement is kept and is no event."""
    return _find_kind(statement, kinds) == SILENT


def learner_of(statement: dict[str, Any]) -> str | None:
    """The learner's id, where a checked statement's actor is one."""
    return learner_id(statement["actor"])


def _check(item: Any) -> None:
    version = item.get("version") if type(item) is dict else None
    grammar = _GRAMMARS["2" if type(version) is str and version[:2] == "2." else "1"]
    try:
        grammar.check(item, "statement")
    except InvalidStatement as invalid:
        reason = f"found {invalid.found}, expected {invalid.expected}"
        raise Unacceptable(invalid.path, reason, "send a statement of xAPI") from None


def _parse(statement: dict[str, Any], rules: Rules) -> ParsedItem:
    event_id = f"xapi:{read_text(statement, 'id', 'id', 'a UUID').lower()}"
    kind = _kind(statement, rules.kinds)
    actor = {"learner": learner_id(statement["actor"])}
    if actor["learner"] is None:
        raise Unacceptable(
            "actor", "is a group, and an event is one learner's", "send a statement for each"
        )
    learner = read_text(actor, "learner", "actor", "learner-17", MAX_UNIT)
    row: dict[str, Any] = {
        "event_id": event_id,
        "kind": kind,
        "learner": rules.pseudonyms.learner(learner),
        "occurred_at": _occurred_at(statement, rules),
        "received_at": rules.received_micros,
        "value": _value(kind, statement.get("result", {})),
    }
    _describe(statement, row)
    return ParsedItem(event_id, "events", row)


def _find_kind(statement: dict[str, Any], kinds: KindTable) -> str | None:
    return kinds.find(XAPI, statement["verb"]["id"], _type_of(statement["object"]))


def _kind(statement: dict[str, Any], kinds: KindTable) -> str:
    kind = _find_kind(statement, kinds)
    verb = statement["verb"]["id"]
    if kind is None:
        remedy = f"add a kind rule for it, such as {CUSTOM_PREFIX}{slug(verb)}, and replay"
        raise Unacceptable("verb", f"{shown(verb)} has no kind rule", remedy)
    if kind == SILENT:
        raise Unacceptable("verb", f"{shown(verb)} is no event, by its kind rule", "discard it")
    return kind


def _type_of(thing: dict[str, Any]) -> str | None:
    found = thing.get("definition", {}).get("type")
    return None if found is None else str(found)


def _occurred_at(statement: dict[str, Any], rules: Rules) -> int:
    if "timestamp" not in statement:
        return rules.received_micros
    sent = statement["timestamp"]
    has_zone = sent[-1] in "Zz" or "+" in sent[10:] or "-" in sent[10:]
    return read_time({"timestamp": sent if has_zone else f"{sent}Z"}, "timestamp", rules)


def _value(kind: str, result: dict[str, Any]) -> float | None:
    """What was reached, where the kind has a use for it.

    A challenge's result is a share of the best possible, so that quizzes of different lengths
    compare; a KPI fact is its raw number. Progress has none: statements tell it as reached so far,
    and adding that up would count the same step again and again.
    """
    score = result.get("score", {})
    known = KINDS_BY_NAME.get(kind)
    if known is not None and known.outcome:
        found = score.get("raw", score.get("scaled"))
    elif kind in _SCORED or kind.startswith(CUSTOM_PREFIX):
        found = _share(score)
    else:
        found = None
    return float(found) if found is not None and abs(found) <= MAX_NUMBER else None


def _share(score: dict[str, Any]) -> float | None:
    if "scaled" in score:
        return float(score["scaled"])
    if "raw" not in score or "max" not in score:
        return None
    low = score.get("min", 0)
    span = score["max"] - low
    return (score["raw"] - low) / span if span > 0 else None


def _describe(statement: dict[str, Any], row: dict[str, Any]) -> None:
    """The columns and properties that say what it was about; nothing in them names a person."""
    thing = statement["object"]
    properties: dict[str, Any] = {"verb": statement["verb"]["id"]}
    if thing.get("objectType", "Activity") == "Activity":
        properties["activity"] = row["activity"] = shortened(thing["id"])
        found_type = _type_of(thing)
        if found_type is not None:
            properties["activity_type"] = found_type
        name = next(iter(thing.get("definition", {}).get("name", {}).values()), "")
        if name:
            properties["activity_name"] = name[:MAX_TEXT]
    course = _course_of(statement)
    if course is not None:
        properties["course"] = row["course"] = shortened(course)
    step = _step_of(statement)
    if step is not None:
        properties["step"] = row["step"] = step
    properties.update(_result_properties(statement.get("result", {})))
    row["properties"] = dump_properties(properties)


def _result_properties(result: dict[str, Any]) -> dict[str, Any]:
    kept = ("success", "completion", "duration")
    found: dict[str, Any] = {name: result[name] for name in kept if name in result}
    extensions = result.get("extensions", {})
    progress = next((extensions[name] for name in _PROGRESS if name in extensions), None)
    if type(progress) in (int, float):
        found["progress"] = progress
    if "raw" in result.get("score", {}):
        found["score_raw"] = result["score"]["raw"]
    return found


def _course_of(statement: dict[str, Any]) -> str | None:
    """The object itself, or the first of its surroundings, that is a course."""
    context = statement.get("context", {}).get("contextActivities", {})
    around: list[Any] = []
    for role in CONTEXT_ACTIVITIES:
        found = context.get(role, [])
        around += found if type(found) is list else [found]
    for activity in (statement["object"], *around):
        if CLASSES.get(_type_of(activity) or "") == _COURSE:
            return str(activity["id"])
    return None


def _step_of(statement: dict[str, Any]) -> int | None:
    thing = statement["object"].get("definition", {}).get("extensions", {})
    context = statement.get("context", {}).get("extensions", {})
    found = thing.get(_POSITION, context.get(_POSITION))
    return found if type(found) is int and 1 <= found < 2**31 else None
