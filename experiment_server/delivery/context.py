"""What a remote evaluation is told about a learner: read once, within limits."""

from typing import Any, Final

from experiment_server.problems import FieldError, Problem, shown
from experiment_server.strict_json import loads

MOST_BYTES: Final = 64_000
MOST_ATTRIBUTES: Final = 200
DEEPEST: Final = 8


def read_body(raw: bytes, member: str) -> dict[str, Any]:
    """The attributes in the named member of a JSON body; empty when it is left out.

    Raises:
        Problem: 400, when the body is no such JSON, or larger or deeper than allowed.
    """
    if len(raw) > MOST_BYTES:
        raise _refusal(member, f"{len(raw)} bytes", f"at most {MOST_BYTES}")
    body = loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise _refusal("body", shown(body), "an object")
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
