"""The door of every request: who it is from, whether they may, and what the answer must carry."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

from flask import Flask, Request, Response, current_app, g, redirect, request
from sqlalchemy.exc import SQLAlchemyError
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from experiment_server import web
from experiment_server.problems import Problem, forbidden, not_found, unauthorised
from experiment_server.security import csrf, headers
from experiment_server.security.api_keys import PATH_ARGUMENT
from experiment_server.security.roles import Actor

API: Final = "/api/"
MAX_BODY: Final = 5_000_000
MAX_NAME: Final = 300
SIGN_IN: Final = "/sign-in"

Identify = Callable[[Request], Actor | None]


class WholeRequest(Request):
    """A request whose body is read whole or not at all."""

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        """See werkzeug; of a body without a length it gives the beginning when that is too long.

        Raises:
            RequestEntityTooLarge: the body is.
        """
        data = super().get_data(*args, **kwargs)
        if self.content_length is None and len(data) >= MAX_BODY:
            raise RequestEntityTooLarge
        return data


def install(app: Flask, identify: Identify) -> None:
    """Guard every route of the app; ``identify`` finds out who a request is from."""
    app.request_class = WholeRequest
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = 200_000
    app.config["MAX_FORM_PARTS"] = 500

    @app.before_request
    def open_door() -> AnyResponse | None:
        g.request_id = uuid4().hex
        g.csp_nonce = uuid4().hex
        clear_contextvars()
        bind_contextvars(request_id=g.request_id)
        if request.url_rule is None or request.method == "OPTIONS":
            return None  # Flask answers 404, 405 or the list of methods, and runs no view
        return _admit(identify)

    app.after_request(_seal_headers)


def _admit(identify: Identify) -> AnyResponse | None:
    policy = web.policy_of(current_app.view_functions[request.endpoint or ""])
    _check_path()
    if policy is None:
        raise forbidden("This route has no policy, so nobody may use it.")
    if policy == web.PUBLIC:
        g.actor = _identify_guest(identify)
        _check_browser(policy)
        return None
    g.actor = identify(request)
    _check_browser(policy)
    if g.actor is None:
        return _ask_to_sign_in()
    _check_permission(g.actor, policy)
    _check_media_type()
    return None


def _identify_guest(identify: Identify) -> Actor | None:
    """Who is asking on a public route, which answers whatever they send and the database does."""
    try:
        return identify(request)
    except (Problem, SQLAlchemyError) as error:
        g.refusal = error  # for a public route that asks for a key after all: web.path_actor
        return None


def _check_path() -> None:
    """Refuse names that no stored name can be, NUL above all, before a query meets them."""
    for value in (request.view_args or {}).values():
        if isinstance(value, str) and (len(value) > MAX_NAME or not value.isprintable()):
            raise not_found("thing", value)


def _ask_to_sign_in() -> AnyResponse:
    if request.method == "GET" and is_page(request):
        target = request.full_path.rstrip("?")
        return redirect(f"{SIGN_IN}?next={quote(target, safe='/')}")
    raise unauthorised(
        "Send a key in the header Authorization: Bearer mo_..., or sign in with a browser."
    )


def _check_permission(actor: Actor, policy: str) -> None:
    if not actor.may(policy):
        whose = f"the role {actor.role}" if actor.role else f"a {actor.key_kind} key"
        raise forbidden(f"This needs the permission {policy}, which {whose} does not have.")
    place = (request.view_args or {}).get("env")
    if actor.environment_key is not None and place not in (None, actor.environment_key):
        raise forbidden("This key belongs to another environment. Use a key of this one.")


def _check_browser(policy: str) -> None:
    """A cookie travels with whatever another site makes the browser send; a key does not."""
    if request.method in csrf.SAFE_METHODS or _carries_key():
        return
    refusal = csrf.check_origin(dict(request.headers), request.host)
    if refusal is None and policy != web.PUBLIC and g.get("csrf_token"):
        refusal = csrf.check_token(_sent_token(), g.csrf_token)
    if refusal is not None:
        raise refusal


def _carries_key() -> bool:
    named = PATH_ARGUMENT in (request.view_args or {})
    return named or "Authorization" in request.headers or "X-API-Key" in request.headers


def _sent_token() -> str | None:
    header = request.headers.get(csrf.HEADER)
    if header is not None or request.path.startswith(API):
        return header
    return request.form.get(csrf.FIELD)


def _check_media_type() -> None:
    if request.path.startswith(API) and request.content_length and not request.is_json:
        raise Problem(415, "Send the body as JSON, with Content-Type: application/json.")


def is_page(asked: Request) -> bool:
    """Whether a person's browser asks for one of our pages."""
    accepts = asked.accept_mimetypes
    named = "text/html" in accepts.values()  # a browser names it; a program takes */* or JSON
    best = accepts["text/html"] >= accepts["application/json"]
    return not asked.path.startswith(API) and named and best


def _seal_headers(response: Response) -> Response:
    for name, value in headers.FIXED.items():
        response.headers.setdefault(name, value)
    policy = headers.content_security_policy(g.get("csp_nonce", ""))
    response.headers.setdefault("Content-Security-Policy", policy)
    if web.state().settings.secure_cookies:
        response.headers.setdefault("Strict-Transport-Security", headers.HSTS)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.vary.add("Cookie")
    response.vary.add("Authorization")
    return response
