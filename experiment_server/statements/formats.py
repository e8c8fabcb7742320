"""The three formats a statement is given back in: exact, ids, canonical (Communication 2.1.3)."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from experiment_server.statements.grammar import COMPONENT_LISTS, IDENTIFIERS

Languages = Sequence[str]  # the reader's, the best first


def exact(statement: dict[str, Any], _languages: Languages) -> dict[str, Any]:
    """As it was received."""
    return statement


def ids(statement: dict[str, Any], _languages: Languages) -> dict[str, Any]:
    """With no more of people, verbs and activities than identifies them."""
    short = {**statement, "actor": _person_id(statement["actor"])}
    short["verb"] = {"id": statement["verb"]["id"]}
    short["object"] = _object_id(statement["object"])
    if "authority" in statement:
        short["authority"] = _person_id(statement["authority"])
    if "context" in statement:
        short["context"] = _context_ids(statement["context"])
    return short


def canonical(statement: dict[str, Any], languages: Languages) -> dict[str, Any]:
    """With one language of each text of verbs and activities."""
    return _in_one_language(statement, "", languages)  # type: ignore[no-any-return]


FORMATS: Final[dict[str, Callable[[dict[str, Any], Languages], dict[str, Any]]]] = {
    "exact": exact,
    "ids": ids,
    "canonical": canonical,
}


def _person_id(person: Any) -> Any:
    kept = {name: person[name] for name in ("objectType", *IDENTIFIERS) if name in person}
    if "member" in person and not any(name in person for name in IDENTIFIERS):
        kept["member"] = [_person_id(member) for member in person["member"]]
    return kept


def _activity_id(activity: Any) -> Any:
    return {name: activity[name] for name in ("objectType", "id") if name in activity}


def _object_id(thing: Any) -> Any:
    kind = thing.get("objectType", "Activity")
    if kind == "SubStatement":
        return ids(thing, ())
    return _person_id(thing) if kind in ("Agent", "Group") else _activity_id(thing)


def _context_ids(context: Any) -> Any:
    short = dict(context)
    for role in ("instructor", "team"):
        if role in context:
            short[role] = _person_id(context[role])
    if "contextActivities" in context:
        short["contextActivities"] = {
            role: [_activity_id(activity) for activity in activities]
            for role, activities in context["contextActivities"].items()
        }
    return short


_TEXTS: Final = {"verb": ("display",), "definition": ("name", "description")}


def _in_one_language(value: Any, name: str, languages: Languages) -> Any:
    if type(value) is list:
        return [_in_one_language(member, name, languages) for member in value]
    if type(value) is not dict or name == "extensions":
        return value
    in_maps = _TEXTS.get(name, ("description",) if name in COMPONENT_LISTS else ())
    picked: dict[str, Any] = {}
    for key, member in value.items():
        if key in in_maps:
            picked[key] = _pick(member, languages)
        else:
            picked[key] = _in_one_language(member, key, languages)
    return picked


def _pick(texts: dict[str, str], languages: Languages) -> dict[str, str]:
    """The entry in the first language that is there, itself or by its main language."""
    by_tag = {tag.lower(): tag for tag in texts}
    by_main = {tag.lower().split("-")[0]: tag for tag in reversed(texts)}
    found = next(iter(texts))
    for wanted in languages:
        tag = by_tag.get(wanted.lower()) or by_main.get(wanted.lower().split("-")[0])
        if tag is not None:
            found = tag
            break
    return {found: texts[found]}
