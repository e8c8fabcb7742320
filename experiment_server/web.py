"""What every route shares: who is calling, what they may, versions, pages of a list."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from flask import Response, current_app, g, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from experiment_server.problems import (
    Problem,
    forbidden,
    from_validation,
    invalid,
    not_found,
    unauthorised,
)
from experiment_server.security.roles import PERMISSIONS, Actor
from experiment_server.state import State
from experiment_server.strict_json import loads

EXTENSION: Final = "momentum"
POLICY: Final = "_momentum_policy"
PUBLIC: Final = "public"
KEY_PATTERN: Final = r"^[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?$"
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 500
MAX_ROW_ID: Final = 2**31 - 1
MAX_QUERY_TEXT: Final = 300

BodyType = TypeVar("BodyType", bound=BaseModel)
View = TypeVar("View", bound=Callable[..., Any])


Key = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=KEY_PATTERN,
        description="lower-case letters, digits, and - _ . between them; it never changes",
    ),
]
StorableFloat = Annotated[float, Field(ge=-1e15, le=1e15)]


class Body(BaseModel):
    """The base of every request body: unknown fields and NaN are refused, never dropped."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def state() -> State:
    """The server's settings, database and clock."""
    held: State = current_app.extensions[EXTENSION]
    return held


def authorize(permission: str) -> Callable[[View], View]:
    """Say which permission a route needs. A route that says nothing is closed to everybody."""
    if permission not in PERMISSIONS:
        raise ValueError(f"{permission!r} is not in security.roles; add its row there first")

    def mark(view: View) -> View:
        setattr(view, POLICY, permission)
        return view

    return mark


def public(view: View) -> View:
    """Open a route to everybody. The list of such routes is a test's."""
    setattr(view, POLICY, PUBLIC)
    return view


def policy_of(view: Any) -> str | None:
    """The permission a view asks for, ``PUBLIC``, or None: closed."""
    found = getattr(view, POLICY, None)
    return str(found) if found is not None else None


def actor() -> Actor:
    """Who is calling."""
    caller: Actor | None = g.get("actor")
    if caller is None:
        raise RuntimeError("a public route has no actor; mark the route with web.authorize")
    return caller


def maybe_actor() -> Actor | None:
    """Who is calling, on a public route that also serves strangers."""
    caller: Actor | None = g.get("actor")
    return caller


def path_actor() -> Actor:
    """Who is calling, on a public route whose path carries the key.

    Raises:
        Problem: 401 or 403, when the key does not open it.
        SQLAlchemyError: the key could not be looked up.
    """
    caller: Actor | None = g.get("actor")
    if caller is None:
        refusal: Exception | None = g.get("refusal")
        raise refusal or unauthorised("The address carries no key.")
    return caller


def request_id() -> str:
    """The id that the log lines and the answers of this request share."""
    return str(g.get("request_id", ""))


def csp_nonce() -> str:
    """The nonce that lets this answer's own scripts and styles run."""
    return str(g.get("csp_nonce", ""))


def csrf_token() -> str:
    """The token that each form of this session carries in the field ``csrf_token``."""
    return str(g.get("csrf_token", ""))


def require_environment(environment_id: int) -> None:
    """Refuse a key of another environment.

    Routes below ``/environments/<env>/`` need not call this: it was done for them.

    Raises:
        Problem: 403.
    """
    bound = actor().environment_id
    if bound is not None and bound != environment_id:
        raise forbidden("This key belongs to another environment. Use a key of this one.")


def require_unbound() -> None:
    """Refuse a key of one environment where the matter is the whole installation's.

    Raises:
        Problem: 403.
    """
    if actor().environment_id is not None:
        raise forbidden(
            "This concerns every environment and a key belongs to one. Sign in as a member."
        )


def if_match() -> int:
    """The version that the caller edited, from ``If-Match: "3"``.

    Raises:
        Problem: 428 without the header, 400 when it holds no version.
    """
    header = request.headers.get("If-Match")
    if header is None:
        raise Problem(
            428,
            "Send the version that you edited, so that nobody's change is lost: "
            'the header If-Match: "3" for version 3. Reading the resource gives it as ETag.',
        )
    text = header.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Problem(400, 'If-Match holds no version. Send a number, such as If-Match: "3".')
    return int(text)


def optional_body(model: type[BodyType]) -> BodyType:
    """The request's body, or the model's defaults when there is none.

    Raises:
        Problem: 422, when the body does not fit.
    """
    raw = request.get_data()
    try:
        return model.model_validate(loads(raw) if raw else {})
    except ValidationError as error:
        raise from_validation(error) from error


def answer(body: Any, *, status: int = 200, version: int | None = None) -> Response:
    """A JSON answer; with a version, its ETag."""
    plain = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
    response = jsonify(plain)
    response.status_code = status
    if version is not None:
        response.set_etag(str(version))
    return response


@dataclass(frozen=True)
class Page:
    """Which part of a list the caller asked for."""

    limit: int
    after: int | None


def page() -> Page:
    """The part of a list that ``?limit=`` (1-500) and ``?after=`` (the last answer's next) ask for.

    Raises:
        Problem: 422, when one of them is no such number.
    """
    limit = query_number("limit", 1, MAX_LIMIT)
    return Page(DEFAULT_LIMIT if limit is None else limit, query_number("after", 0, MAX_ROW_ID))


def listing(items: list[Any], next_after: int | None = None) -> Response:
    """A list's answer: ``items``, and ``next`` when there are more."""
    plain = [
        item.model_dump(mode="json") if isinstance(item, BaseModel) else item for item in items
    ]
    return answer({"items": plain, "next": next_after})


def query_text(name: str) -> str | None:
    """A query parameter's text, when it is there.

    Raises:
        Problem: 422, when it is too long or holds characters that no stored text can.
    """
    text = request.args.get(name)
    if text is not None and (len(text) > MAX_QUERY_TEXT or not text.isprintable()):
        raise invalid(name, text, "a short printable text", "Check the address.")
    return text


def row_id(number: int) -> int:
    """A number from a path that can be a row's id.

    Raises:
        Problem: 404, for one that is too large for any.
    """
    if number > MAX_ROW_ID:
        raise not_found("row", number)
    return number


def query_number(name: str, low: int, high: int) -> int | None:
    """A query parameter's whole number, when it is there.

    Raises:
        Problem: 422, when it is no number from ``low`` to ``high``.
    """
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high):
        raise invalid(
            name,
            text,
            f"a whole number from {low} to {high}",
            f"For example {name}={min(high, 50)}.",
        )
    return int(text)
