"""JSON at the door: what both databases and every later step can hold, and nothing else."""

from typing import Any, Final

import orjson
from flask.json.provider import JSONProvider

from experiment_server.problems import FieldError, Problem, shown

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = 2**53  # what a double, and so every JSON reader, keeps exactly
MAX_FLOAT: Final = 1e15  # PostgreSQL gives a larger one back as an integer of many digits
MAX_TEXT: Final = 100_000


def loads(raw: bytes | str) -> Any:
    """The value of a JSON text.

    Raises:
        Problem: 400, when it is no JSON, or deeper, larger or stranger than can be stored.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        expected = f"valid JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        raise _refusal("body", "malformed JSON", expected) from None
    _check(value)
    return value


def dumps(value: Any) -> bytes:
    """A value as JSON text, in UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)


class StrictJSON(JSONProvider):
    """Flask's JSON, by ``loads`` and ``dumps`` above."""

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        """See ``loads``."""
        return loads(s)

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        """See ``dumps``."""
        return dumps(obj).decode()

    def response(self, *args: Any, **kwargs: Any) -> Any:
        """A JSON response of the given value."""
        value = self._prepare_response_obj(args, kwargs)
        return self._app.response_class(self.dumps(value), mimetype="application/json")


def _check(value: Any) -> None:
    """Walk without recursion: a deep value must not exhaust the stack of its checker."""
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        if isinstance(item, dict | list):
            if depth > MAX_DEPTH:
                raise _refusal("body", f"more than {MAX_DEPTH} levels", "a flatter value")
            if isinstance(item, dict):
                for key in item:
                    _check_text(key)
            members = item.values() if isinstance(item, dict) else item
            waiting.extend((member, depth + 1) for member in members)
        elif isinstance(item, str):
            _check_text(item)
        elif isinstance(item, int) and not -MAX_INTEGER <= item <= MAX_INTEGER:
            raise _refusal("body", shown(item), "an integer within +/- 2^53; send others as text")
        elif isinstance(item, float) and not -MAX_FLOAT <= item <= MAX_FLOAT:
            raise _refusal("body", shown(item), "a number within +/- 1e15")


def _check_text(text: str) -> None:
    if "\0" in text:
        raise _refusal("body", "a NUL character", "text without NUL characters")
    if len(text) > MAX_TEXT:
        raise _refusal("body", f"a text of {len(text)} characters", f"at most {MAX_TEXT}")


def _refusal(field: str, found: str, expected: str) -> Problem:
    remedy = "Send JSON in UTF-8, without NaN, infinity, lone surrogates or NUL."
    detail = f"The {field} cannot be read: found {found}, expected {expected}."
    return Problem(400, detail, [FieldError(field, found, expected, remedy)])
