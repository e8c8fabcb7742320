"""What the store makes of a checked statement: what it fills in, compares and can be found by."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

import orjson

from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.statements.grammar import VOIDED
from experiment_server.statements.identity import activities_of, identifier, learner_id, people_of
from experiment_server.statements.values import read_time

# Roles of xapi_mention: what a statement is about, and what it merely names.
ACTOR, VERB, ACTIVITY, REGISTRATION = "actor", "verb", "activity", "registration"
NAMES_AGENT, NAMES_ACTIVITY, NAMES_LEARNER = "agent", "in-activity", "learner"

_FILLED_IN: Final = ("id", "authority", "stored", "timestamp", "version")
_FIRST_VERSION: Final = {"1": "1.0.0", "2": "2.0.0"}


@dataclass(frozen=True)
class Receipt:
    """How a statement came: what the store fills in from it."""

    version: str  # of the request: 1.0.3 or 2.0.0
    authority: dict[str, Any]
    stored_at: datetime


@dataclass(frozen=True)
class Contents:
    """A statement ready to be stored."""

    body: dict[str, Any]
    statement_id: str  # in lower case
    content_key: bytes
    happened_at: datetime | None  # where the sender said so
    target_id: str | None
    is_voiding: bool


def fill_in(statement: dict[str, Any], new_id: str, receipt: Receipt) -> dict[str, Any]:
    """The statement as it is kept: id, stored, timestamp, authority and version are there."""
    stored = time_text(receipt.stored_at)
    body = _in_arrays(statement)
    body["id"] = statement.get("id", new_id)
    body["stored"] = stored
    body.setdefault("timestamp", stored)
    body.setdefault("version", _FIRST_VERSION[receipt.version[0]])
    body["authority"] = receipt.authority
    return body


def describe(statement: dict[str, Any], new_id: str, receipt: Receipt) -> Contents:
    """All that the store needs to know of a checked statement; the new id is for one without."""
    body = fill_in(statement, new_id, receipt)
    is_reference = body["object"].get("objectType") == "StatementRef"
    sent = statement.get("timestamp")
    return Contents(
        body=body,
        statement_id=body["id"].lower(),
        content_key=content_key(body),
        happened_at=None if sent is None else read_time(sent),
        target_id=body["object"]["id"].lower() if is_reference else None,
        is_voiding=body["verb"]["id"] == VOIDED,
    )


def time_text(at: datetime) -> str:
    """A time as statements write it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def content_key(body: dict[str, Any]) -> bytes:
    """A digest of what a statement with the same id must have in common (Data 2.3.1).

    Left out are what the store fills in, definitions of activities and display of verbs, and the
    order of a group's members and of context activities.
    """
    kept = {name: value for name, value in body.items() if name not in _FILLED_IN}
    text = orjson.dumps(_comparable(kept, ""), option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=16).digest()


def mentions_of(body: dict[str, Any], pseudonyms: Pseudonyms) -> set[tuple[str, bytes]]:
    """What a statement can be found by: (role, key) pairs."""
    return set(_mentions(body, pseudonyms))


def _mentions(body: dict[str, Any], pseudonyms: Pseudonyms) -> Iterator[tuple[str, bytes]]:
    yield VERB, thing_key(body["verb"]["id"])
    if body["object"].get("objectType", "Activity") == "Activity":
        yield ACTIVITY, thing_key(body["object"]["id"])
    registration = body.get("context", {}).get("registration")
    if registration is not None:
        yield REGISTRATION, thing_key(registration.lower())
    own = {identifier(body["actor"])}
    if body["object"].get("objectType") in ("Agent", "Group"):
        own.add(identifier(body["object"]))
    for name in own - {None}:
        yield ACTOR, thing_key(str(name))
    for person in people_of(body):
        name = identifier(person)
        if name is not None:
            yield NAMES_AGENT, thing_key(name)
            learner = learner_id(person)
            if learner is not None:
                yield NAMES_LEARNER, bytes.fromhex(pseudonyms.learner(learner))
    for activity in activities_of(body):
        yield NAMES_ACTIVITY, thing_key(activity["id"])


def thing_key(name: str) -> bytes:
    """A name at fixed length, as mentions have it."""
    return blake2b(name.encode(), digest_size=16).digest()


def _in_arrays(statement: dict[str, Any]) -> dict[str, Any]:
    """The statement with each context activity in an array, as it must be given back."""
    body = dict(statement)
    context = body.get("context", {})
    if "contextActivities" in context:
        activities = {
            role: found if type(found) is list else [found]
            for role, found in context["contextActivities"].items()
        }
        body["context"] = {**context, "contextActivities": activities}
    if body["object"].get("objectType") == "SubStatement":
        body["object"] = _in_arrays(body["object"])
    return body


def _comparable(value: Any, name: str) -> Any:
    if type(value) is list:
        members = [_comparable(member, "") for member in value]
        if name == "member" or name in ("parent", "grouping", "category", "other"):
            members.sort(key=lambda member: orjson.dumps(member, option=orjson.OPT_SORT_KEYS))
        return members
    if type(value) is not dict:
        return float(value) if type(value) is int else value  # 1 and 1.0 are one number
    if name == "extensions":
        return value
    return {
        key: _comparable(member, key)
        for key, member in value.items()
        if not (key == "definition" or (name == "verb" and key == "display"))
        and not (member == [] and name == "contextActivities")
    }
