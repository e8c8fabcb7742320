"""What goes wrong, as one shape: RFC 9457 problem details that name field, finding and remedy."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final

from pydantic_core import ErrorDetails, ValidationError

MEDIA_TYPE: Final = "application/problem+json"
FOUND_LENGTH: Final = 120  # of a refused value, as it is shown back
MAX_ERRORS: Final = 50  # of one answer


@dataclass(frozen=True)
class FieldError:
    """One field that does not fit: what was found, what is right, what to do."""

    field: str  # a JSON path: "variants[1].weight"
    found: str
    expected: str
    remedy: str


class Problem(Exception):  # noqa: N818  (RFC 9457 calls it a problem)
    """A refusal or failure that the caller may read in full."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Iterable[FieldError] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers or {}
        self.extra: dict[str, Any] = {}  # further members of the problem object

    def body(self, request_id: str) -> dict[str, Any]:
        """The problem as JSON values."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "errors": [asdict(error) for error in self.errors[:MAX_ERRORS]],
            "request_id": request_id,
            **self.extra,
        }


def shown(value: Any) -> str:
    """A refused value as text that is safe to send back: short, and printable."""
    if isinstance(value, dict):
        return f"an object with {len(value)} members"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = ascii(value)
    return text if len(text) <= FOUND_LENGTH else text[:FOUND_LENGTH] + "..."


def invalid(field: str, found: Any, expected: str, remedy: str) -> Problem:
    """422: one field's value does not fit."""
    error = FieldError(field, shown(found), expected, remedy)
    return invalid_fields([error])


def invalid_fields(errors: Iterable[FieldError]) -> Problem:
    """422: these fields' values do not fit."""
    listed = tuple(errors)
    first = listed[0]
    more = f" (and {len(listed) - 1} more)" if len(listed) > 1 else ""
    detail = f"{first.field}: found {first.found}, expected {first.expected}. {first.remedy}{more}"
    return Problem(422, detail, listed)


def not_found(what: str, key: Any) -> Problem:
    """404: there is no such thing here."""
    return Problem(404, f"There is no {what} {shown(key)} here. Check its spelling in the list.")


def taken(what: str, key: str) -> Problem:
    """409: another one has this key."""
    error = FieldError("key", shown(key), "a key that is not in use", "Choose another key.")
    return Problem(409, f"The {what} {shown(key)} exists already. Choose another key.", [error])


def conflict(detail: str) -> Problem:
    """409: the thing is not in a state that allows this."""
    return Problem(409, detail)


def check_version(what: str, found: int, current: int) -> None:
    """Refuse an edit of a version that is not the current one.

    Raises:
        Problem: 412.
    """
    if found != current:
        raise Problem(
            412,
            f"The {what} is at version {current} and you edited version {found}. "
            "Read it again, apply your change to what is there now, and send it once more.",
        )


def unauthorised(detail: str) -> Problem:
    """401: we do not know who is asking."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="momentum"'})


def forbidden(detail: str) -> Problem:
    """403: we know who is asking, and they may not."""
    return Problem(403, detail)


def unavailable() -> Problem:
    """503: the database does not answer; trying again soon is right."""
    return Problem(
        503,
        "The database does not answer at the moment. Nothing of this request was stored: "
        "send it again in a few seconds.",
        headers={"Retry-After": "2"},
    )


def from_validation(error: ValidationError) -> Problem:
    """422: a body that does not have the described shape."""
    details = error.errors(include_url=False, include_context=False)
    return invalid_fields([_field_error(detail) for detail in details])


_REMEDIES: Final = {
    "missing": ("a value", "Add this field."),
    "string_pattern_mismatch": (
        "lower-case letters and digits, with - _ . between them",
        "For example weekly-quest.",
    ),
    "extra_forbidden": ("no such field", "Remove it, or check its spelling in /openapi.json."),
}


def _field_error(error: ErrorDetails) -> FieldError:
    field = _path(error["loc"]) or "body"
    kind = error["type"]
    found = "nothing" if kind == "missing" else shown(error["input"])
    message = error["msg"]
    sentence = message[0].lower() + message[1:]
    expected, remedy = _REMEDIES.get(kind, (_expected(sentence), "Send a value that fits."))
    return FieldError(field, found, expected, remedy)


def _expected(sentence: str) -> str:
    for lead in ("input should be ", "value should have ", "value error, "):
        if sentence.startswith(lead):
            return sentence.removeprefix(lead)
    return sentence


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path
