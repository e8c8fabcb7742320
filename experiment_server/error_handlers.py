"""Every failure as one problem answer; the last resort tells a request id and nothing else."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import structlog
from apiflask import HTTPError
from flask import Flask, Response, current_app, request
from pydantic import ValidationError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from experiment_server import guard, strict_json, web
from experiment_server.problems import MEDIA_TYPE, Problem, conflict, from_validation, unavailable
from experiment_server.security import rate_limits

PAGE: Final = "momentum.problem_page"  # app.extensions: Callable[[dict], str], a problem as HTML
SENTENCES: Final = {
    404: "There is nothing at this address. The list of all is at /openapi.json.",
    405: "This address does not take that method; the header Allow lists those it takes.",
    413: "The body is larger than 5 MB. Send it in several parts.",
    429: "Too many requests. Wait as long as the header Retry-After says.",
}
RACE: Final = (
    "Somebody changed the same thing at the same moment, so nothing of this request was stored. "
    "Read it again and send the request once more."
)
UNSTORABLE: Final = "A value of this request is out of the range that can be stored."
LAST_RESORT: Final = (
    "Something went wrong on our side. Nothing of this request was stored; "
    "the log has the cause under this request id."
)


def install(app: Flask) -> None:
    """Turn whatever is raised into a problem."""
    app.register_error_handler(Problem, respond)
    app.register_error_handler(HTTPError, lambda error: respond(_from_apiflask(error)))
    app.register_error_handler(HTTPException, _from_werkzeug)
    app.register_error_handler(DBAPIError, _from_database)
    app.register_error_handler(PoolTimeout, lambda _error: respond(unavailable()))
    app.register_error_handler(Exception, _last_resort)


def respond(problem: Problem) -> Response:
    """A problem as an answer: HTML for a person's browser, JSON for everything else."""
    body = problem.body(web.request_id())
    page: Callable[[dict[str, Any]], str] | None = current_app.extensions.get(PAGE)
    if page is not None and guard.is_page(request):
        response = Response(page(body), mimetype="text/html")
    else:
        response = Response(strict_json.dumps(body), content_type=MEDIA_TYPE)
    response.status_code = problem.status
    response.headers.extend(problem.headers)
    return response


def _from_apiflask(error: HTTPError) -> Problem:
    if isinstance(error.__cause__, ValidationError):
        return from_validation(error.__cause__)
    return Problem(error.status_code, error.message or "")


def _from_werkzeug(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # a redirect, such as for a missing slash
        return current_app.make_response(error.get_response(request.environ))
    detail = SENTENCES.get(status) or error.description or ""
    headers = {
        name: value
        for name, value in error.get_headers(request.environ)
        if name.lower() in ("allow", "retry-after", "www-authenticate")
    }
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        headers["Retry-After"] = str(rate_limits.seconds_to_wait())
    return respond(Problem(status, detail, headers=headers))


def _from_database(error: DBAPIError) -> Response:
    if isinstance(error, IntegrityError):
        return respond(conflict(RACE))
    if isinstance(error, DataError):
        return respond(Problem(422, UNSTORABLE))
    if isinstance(error, OperationalError) or error.connection_invalidated:
        structlog.get_logger().error("database_unavailable", cause=type(error.orig).__name__)
        return respond(unavailable())
    return _last_resort(error)


def _last_resort(error: Exception) -> Response:
    """Here, and only here, any exception is caught: the caller must not read its text."""
    structlog.get_logger().error("unhandled", path=request.path, exc_info=error)
    return respond(Problem(500, LAST_RESORT))
