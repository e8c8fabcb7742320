"""What a statement may look like (xAPI Data 1.0.3, 2.4; IEEE 9274.1.1): strict, case included."""

from typing import Any, Final

from experiment_server.statements.values import (
    NOTHING,
    Check,
    InvalidStatement,
    boolean,
    duration,
    extensions,
    iri,
    language,
    language_map,
    length,
    list_of,
    mailbox,
    mailbox_digest,
    media_type,
    number,
    object_of,
    one_of,
    text,
    timestamp,
    uuid,
    zoned_timestamp,
)

VOIDED: Final = "http://adlnet.gov/expapi/verbs/voided"
IDENTIFIERS: Final = ("mbox", "mbox_sha1sum", "openid", "account")
COMPONENT_LISTS: Final = ("choices", "scale", "source", "target", "steps")
CONTEXT_ACTIVITIES: Final = ("parent", "grouping", "category", "other")
_INTERACTIONS: Final = (
    "true-false", "choice", "fill-in", "long-fill-in", "matching", "performance", "sequencing",
    "likert", "numeric", "other",
)  # fmt: skip

_PERSON: Final[dict[str, Check]] = {
    "name": text,
    "mbox": mailbox,
    "mbox_sha1sum": mailbox_digest,
    "openid": iri,
    "account": object_of({"homePage": iri, "name": text}, ("homePage", "name")),
}
_AGENT: Final = object_of({"objectType": one_of(("Agent",)), **_PERSON})


def _agent(value: Any, path: str) -> None:
    _AGENT(value, path)
    found = [name for name in IDENTIFIERS if name in value]
    if len(found) != 1:
        raise InvalidStatement(path, found, "exactly one of " + ", ".join(IDENTIFIERS))


_GROUP: Final = object_of(
    {"objectType": one_of(("Group",)), "member": list_of(_agent), **_PERSON}, ("objectType",)
)


def _group(value: Any, path: str) -> None:
    _GROUP(value, path)
    found = [name for name in IDENTIFIERS if name in value]
    if len(found) > 1:
        raise InvalidStatement(path, found, "at most one of " + ", ".join(IDENTIFIERS))
    if not found and not value.get("member"):
        raise InvalidStatement(f"{path}.member", NOTHING, "one agent at least, or an identifier")


def actor(value: Any, path: str) -> None:
    """An agent or a group."""
    is_group = type(value) is dict and value.get("objectType") == "Group"
    (_group if is_group else _agent)(value, path)


def _authority(value: Any, path: str) -> None:
    actor(value, path)
    if value.get("objectType") == "Group" and len(value.get("member", ())) != 2:
        raise InvalidStatement(f"{path}.member", value.get("member"), "exactly two agents")


_component: Final = object_of({"id": text, "description": language_map}, ("id",))


def _components(value: Any, path: str) -> None:
    list_of(_component)(value, path)
    ids = [component["id"] for component in value]
    if len(set(ids)) < len(ids):
        raise InvalidStatement(path, ids, "ids that are all different")


_DEFINITION: Final = object_of(
    {
        "name": language_map,
        "description": language_map,
        "type": iri,
        "moreInfo": iri,
        "extensions": extensions,
        "interactionType": one_of(_INTERACTIONS),
        "correctResponsesPattern": list_of(text),
        **dict.fromkeys(COMPONENT_LISTS, _components),
    }
)


def _definition(value: Any, path: str) -> None:
    _DEFINITION(value, path)
    if "interactionType" not in value:
        for name in ("correctResponsesPattern", *COMPONENT_LISTS):
            if name in value:
                raise InvalidStatement(f"{path}.interactionType", NOTHING, f"it, beside {name}")


activity: Final = object_of(
    {"objectType": one_of(("Activity",)), "id": iri, "definition": _definition}, ("id",)
)
_reference: Final = object_of(
    {"objectType": one_of(("StatementRef",)), "id": uuid}, ("objectType", "id")
)


def _activities(value: Any, path: str) -> None:
    """One activity, or an array of them."""
    (list_of(activity) if type(value) is list else activity)(value, path)


_SCORE: Final = object_of(dict.fromkeys(("scaled", "raw", "min", "max"), number))


def _score(value: Any, path: str) -> None:
    _SCORE(value, path)
    low, high = value.get("min"), value.get("max")
    if not -1 <= value.get("scaled", 0) <= 1:
        raise InvalidStatement(f"{path}.scaled", value["scaled"], "a number from -1 to 1")
    if low is not None and high is not None and high < low:
        raise InvalidStatement(f"{path}.max", high, "a number that is not below min")
    if "raw" in value:
        raw = value["raw"]
        if (low is not None and raw < low) or (high is not None and raw > high):
            raise InvalidStatement(f"{path}.raw", raw, "a number from min to max")


_result: Final = object_of(
    {
        "score": _score,
        "success": boolean,
        "completion": boolean,
        "response": text,
        "duration": duration,
        "extensions": extensions,
    }
)
_CONTEXT: Final[dict[str, Check]] = {
    "registration": uuid,
    "instructor": actor,
    "team": _group,
    "contextActivities": object_of(dict.fromkeys(CONTEXT_ACTIVITIES, _activities)),
    "revision": text,
    "platform": text,
    "language": language,
    "statement": _reference,
    "extensions": extensions,
}
_relevant: Final = {"relevantTypes": list_of(iri, filled=True)}
_CONTEXT_2: Final[dict[str, Check]] = {
    **_CONTEXT,
    "contextAgents": list_of(
        object_of(
            {"objectType": one_of(("contextAgent",)), "agent": _agent, **_relevant},
            ("objectType", "agent"),
        )
    ),
    "contextGroups": list_of(
        object_of(
            {"objectType": one_of(("contextGroup",)), "group": _group, **_relevant},
            ("objectType", "group"),
        )
    ),
}
_ATTACHMENT: Final = object_of(
    {
        "usageType": iri,
        "display": language_map,
        "description": language_map,
        "contentType": media_type,
        "length": length,
        "sha2": text,
        "fileUrl": iri,
    },
    ("usageType", "display", "contentType", "length", "sha2"),
)


def _attachment(value: Any, path: str) -> None:
    _ATTACHMENT(value, path)
    if "fileUrl" not in value:
        raise InvalidStatement(
            f"{path}.fileUrl",
            NOTHING,
            "the file's address: attachment data is not taken here, so keep the file elsewhere",
        )


class Grammar:
    """The statements of one version of xAPI."""

    def __init__(self, version: str) -> None:
        """Of ``1.0`` or ``2.0``."""
        is_two = version.startswith("2.")
        time = zoned_timestamp if is_two else timestamp
        self._common: dict[str, Check] = {
            "actor": actor,
            "verb": object_of({"id": iri, "display": language_map}, ("id",)),
            "result": _result,
            "context": object_of(_CONTEXT_2 if is_two else _CONTEXT),
            "timestamp": time,
            "attachments": list_of(_attachment),
        }
        required = ("actor", "verb", "object")
        self._sub_statement = object_of(
            {
                "objectType": one_of(("SubStatement",)),
                "object": self._object_of_sub_statement,
                **self._common,
            },
            required,
        )
        self._statement = object_of(
            {
                "id": uuid,
                "object": self._object,
                "stored": time,
                "authority": _authority,
                "version": self._check_version,
                **self._common,
            },
            required,
        )

    def check(self, value: Any, path: str) -> None:
        """Make sure that this is a statement.

        Raises:
            InvalidStatement: it is not; the first property that does not fit is named.
        """
        self._statement(value, path)
        _check_context(value, path)
        is_reference = value["object"].get("objectType") == "StatementRef"
        if value["verb"]["id"] == VOIDED and not is_reference:
            expected = "StatementRef, since the verb is voided"
            raise InvalidStatement(f"{path}.object.objectType", NOTHING, expected)

    def _object(self, value: Any, path: str) -> None:
        kind = value.get("objectType") if type(value) is dict else None
        if kind == "SubStatement":
            self._sub_statement(value, path)
            _check_context(value, path)
        else:
            self._object_of_sub_statement(value, path)

    def _object_of_sub_statement(self, value: Any, path: str) -> None:
        kind = value.get("objectType", "Activity") if type(value) is dict else "Activity"
        check = _OBJECTS.get(kind) if type(kind) is str else None
        if check is None:
            expected = "Activity, Agent, Group, StatementRef, or SubStatement in a statement"
            raise InvalidStatement(f"{path}.objectType", kind, expected)
        check(value, path)

    @staticmethod
    def _check_version(value: Any, path: str) -> None:
        numbers = value.split(".") if type(value) is str and len(value) < 12 else []
        fits = numbers[:2] == ["1", "0"] or numbers == ["2", "0", "0"]
        if not fits or len(numbers) > 3 or not all(n.isascii() and n.isdigit() for n in numbers):
            raise InvalidStatement(path, value, "1.0.x or 2.0.0")


_OBJECTS: Final[dict[str, Check]] = {
    "Activity": activity,
    "Agent": _agent,
    "Group": _group,
    "StatementRef": _reference,
}


def _check_context(value: dict[str, Any], path: str) -> None:
    """Revision and platform are about activities only."""
    if value["object"].get("objectType", "Activity") != "Activity":
        for name in ("revision", "platform"):
            if name in value.get("context", ()):
                expected = "none, unless the object is an activity"
                raise InvalidStatement(f"{path}.context.{name}", value["context"][name], expected)
