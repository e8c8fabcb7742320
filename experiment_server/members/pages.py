"""Signing in and out."""

from datetime import timedelta
from urllib.parse import urlsplit

from apiflask import APIBlueprint
from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from dashboards.views import SignInView
from experiment_server import pages, web
from experiment_server.members import service
from experiment_server.problems import Problem
from experiment_server.security import rate_limits, sessions

blueprint = APIBlueprint("members", __name__, enable_openapi=False)

MAX_PASSWORD = 1000


@blueprint.get("/sign-in")
@web.public
def show_sign_in() -> AnyResponse:
    """The form; who is signed in already goes on."""
    target = _safe_path(request.args.get("next", ""))
    if web.maybe_actor() is not None:
        return redirect(target)
    return pages.show(SignInView(pages.plain_frame(), next_path=target))


@blueprint.post("/sign-in")
@web.public
@rate_limits.limited(rate_limits.SIGN_IN)
def sign_in() -> AnyResponse:
    """Open a session for the right e-mail and password."""
    state = web.state()
    target = _safe_path(request.form.get("next", ""))
    email = request.form.get("email", "").strip()
    try:
        _check_typed(email)
        password = request.form.get("password", "")[:MAX_PASSWORD]
        signed = service.sign_in(state.database, email, password, state.clock())
    except Problem as problem:
        if problem.status != 401:
            raise
        view = SignInView(pages.plain_frame(), email, problem.detail, target)
        return pages.show(view, status=401)
    response = redirect(target, code=303)
    _set_cookie(response, signed.token, sessions.ABSOLUTE)
    return response


@blueprint.post("/sign-out")
@web.public
def sign_out() -> AnyResponse:
    """Close this browser's session; without one there is nothing to close."""
    state = web.state()
    token = request.cookies.get(sessions.cookie_name(state.settings.secure_cookies))
    if token:
        service.sign_out(state.database, token)
    response = pages.go("members.show_sign_in", notice="signed-out")
    _set_cookie(response, "", timedelta(0))
    return response


def _set_cookie(response: Response | AnyResponse, token: str, age: timedelta) -> None:
    secure = web.state().settings.secure_cookies
    response.set_cookie(
        sessions.cookie_name(secure),
        token,
        max_age=age,
        path="/",
        secure=secure,
        httponly=True,
        samesite="Lax",
    )


def _check_typed(email: str) -> None:
    """No address has a control character, and no database is asked for one."""
    if len(email) > 254 or not email.isprintable():
        raise Problem(401, service.REFUSED)


def _safe_path(path: str) -> str:
    """The path if it is one of this server, else the first page."""
    parts = urlsplit(path) if path.isprintable() and "\\" not in path else None
    if parts is None or parts.scheme or parts.netloc or not path.startswith("/"):
        return "/"
    return "/" if path.startswith("//") else path
