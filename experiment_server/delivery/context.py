"""What a remote evaluation is told about a learner: read once, within limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from assignment import Visit
from experiment_server.problems import FieldError, Problem, shown
from experiment_server.strict_json import loads

MOST_BYTES: Final = 64_000
MOST_ATTRIBUTES: Final = 200
DEEPEST: Final = 8
MOST_FORCED: Final = 200  # variants, and values of flags
LONGEST_URL: Final = 2_000
LONGEST_KEY: Final = 128
PAIR: Final = 2


@dataclass(frozen=True)
class Asked:
    """A question in the words of GrowthBook's remote evaluation."""

    attributes: Mapping[str, Any]
    visit: Visit | None  # None: nothing is forced
    forced_values: Mapping[str, Any]  # of flags, by key


def read_question(raw: bytes) -> Asked:
    """Attributes, and what a tester forces: variants by number, values of flags, a page's address.

    Raises:
        Problem: 400, as ``read_body``.
    """
    body = _object(raw, "attributes")
    attributes = _attributes(body, "attributes")
    url = body.get("url")
    if url is not None and (not isinstance(url, str) or len(url) > LONGEST_URL):
        raise _refusal("url", shown(url), f"a text of at most {LONGEST_URL} characters")
    forced = _forced_variants(body.get("forcedVariations"))
    asks_page = "?" in (url or "")
    return Asked(
        attributes=attributes,
        visit=Visit(forced=forced, url=url or "") if forced or asks_page else None,
        forced_values=_forced_values(body.get("forcedFeatures")),
    )


def _forced_variants(given: Any) -> Mapping[str, int]:
    expected = f'at most {MOST_FORCED} variants by number, such as {{"reward-ladder": 1}}'
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > MOST_FORCED:
        raise _refusal("forcedVariations", shown(given), expected)
    for key, number in given.items():
        if type(number) is not int or len(key) > LONGEST_KEY:
            raise _refusal("forcedVariations", f"{shown(key)}: {shown(number)}", expected)
    return given


def _forced_values(given: Any) -> Mapping[str, Any]:
    expected = f'at most {MOST_FORCED} pairs, such as [["new-home", true]]'
    if given is None:
        return {}
    if not isinstance(given, list) or len(given) > MOST_FORCED:
        raise _refusal("forcedFeatures", shown(given), expected)
    for pair in given:
        if not isinstance(pair, list) or len(pair) != PAIR or not isinstance(pair[0], str):
            raise _refusal("forcedFeatures", shown(pair), expected)
        if len(pair[0]) > LONGEST_KEY or _depth(pair[1]) > DEEPEST:
            raise _refusal("forcedFeatures", shown(pair[0]), f"at most {DEEPEST} levels")
    return dict(given)


def read_body(raw: bytes, member: str) -> dict[str, Any]:
    """The attributes in the named member of a JSON body; empty when it is left out.

    Raises:
        Problem: 400, when the body is no such JSON, or larger or deeper than allowed.
    """
    return _attributes(_object(raw, member), member)


def _object(raw: bytes, member: str) -> dict[str, Any]:
    if len(raw) > MOST_BYTES:
        raise _refusal(member, f"{len(raw)} bytes", f"at most {MOST_BYTES}")
    body = loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise _refusal("body", shown(body), "an object")
    return body


def _attributes(body: Mapping[str, Any], member: str) -> dict[str, Any]:
    attributes = body.get(member)
    if attributes is None:
        return {}
    if not isinstance(attributes, dict):
        raise _refusal(member, shown(attributes), "an object")
    if len(attributes) > MOST_ATTRIBUTES:
        raise _refusal(member, f"{len(attributes)} attributes", f"at most {MOST_ATTRIBUTES}")
    if _depth(attributes) > DEEPEST:
        raise _refusal(member, "a deeper one", f"at most {DEEPEST} levels")
    return attributes


def _depth(value: Any) -> int:
    """How many levels a value has; the parser has bounded it, so recursion is safe."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return 0
    return 1 + max(map(_depth, value), default=0)


def _refusal(field: str, found: str, expected: str) -> Problem:
    remedy = "Send only those attributes that rules ask for."
    detail = f"{field}: found {found}, expected {expected}. {remedy}"
    return Problem(400, detail, [FieldError(field, found, expected, remedy)])
