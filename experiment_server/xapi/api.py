"""/xapi: a learning record store for statements (xAPI 1.0.x and 2.0)."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import urlencode

from apiflask import APIBlueprint
from flask import Response, g, request
from sqlmodel import Session

from experiment_server import web
from experiment_server.problems import Problem, forbidden
from experiment_server.security import rate_limits
from experiment_server.security.roles import SIGNED_IN
from experiment_server.statements.formats import FORMATS
from experiment_server.statements.values import read_time
from experiment_server.strict_json import dumps
from experiment_server.xapi import service
from experiment_server.xapi.alternate import parse_form
from experiment_server.xapi.contents import time_text
from experiment_server.xapi.finding import find
from experiment_server.xapi.query import CURSOR, Query, parse_query
from experiment_server.xapi.requests import (
    ONE,
    VERSION_HEADER,
    VERSIONS,
    answered_version,
    check_media_type,
    parse_statements,
    require_version,
)

blueprint = APIBlueprint("xapi", __name__, url_prefix="/xapi", tag="xAPI")

CONSISTENT: Final = "X-Experience-API-Consistent-Through"
_PLACE: Final = "/xapi/statements"
_BEGINNING: Final = "1970-01-01T00:00:00.000Z"
_BOUNDARY: Final = "momentum-statements"
_HOME: Final = "https://momentum.invalid/environments"  # names keys, leads nowhere


@blueprint.after_request
def say_version(response: Response) -> Response:
    """Every answer names the version it is by; those on statements, how far they are complete."""
    response.headers[VERSION_HEADER] = answered_version(request.headers.get(VERSION_HEADER)) or ONE
    if request.path == _PLACE:
        response.headers[CONSISTENT] = g.get("consistent_through", _BEGINNING)
    return response


@blueprint.get("/about")
@blueprint.doc(summary="The versions of xAPI that are spoken", responses={200: "The versions"})
@web.authorize(SIGNED_IN)
def read_about() -> Response:
    """A client of 1.0 knows no later version; others are told all."""
    is_one = answered_version(request.headers.get(VERSION_HEADER)) == ONE
    shown = [version for version in VERSIONS if version.startswith("1.") or not is_one]
    return web.answer({"version": shown})


@blueprint.post("/statements")
@blueprint.doc(
    summary="Store one statement, or a batch of up to 1,000",
    description=(
        "All or none: one bad statement refuses the batch with 400. The ids come back when the "
        "statements are durable. A statement sent again is stored once; one with the id of "
        "another is 409. Basic credentials: the shown beginning of a key, and the key."
    ),
    responses={200: "The ids", 400: "Not by the specification", 409: "The id is in use"},
)
@web.authorize("events.write")
@rate_limits.limited(rate_limits.INTAKE)
def post_statements() -> Any:
    """Store, or do what the alternate request syntax asks for."""
    version = require_version(request.headers.get(VERSION_HEADER))
    if "method" in request.args:
        return _do_alternate(version)
    _refuse_parameters(request.args)
    check_media_type(request.mimetype)
    return web.answer(_store(request.get_data(cache=False), version, single=False))


@blueprint.put("/statements")
@blueprint.doc(
    summary="Store one statement under an id",
    description="The id is the parameter statementId; see POST.",
    responses={204: "It is stored", 400: "Not by the specification", 409: "The id is in use"},
)
@web.authorize("events.write")
@rate_limits.limited(rate_limits.INTAKE)
def put_statement() -> tuple[str, int]:
    """Store one."""
    version = require_version(request.headers.get(VERSION_HEADER))
    check_media_type(request.mimetype)
    return _put(request.args, request.get_data(cache=False), version)


@blueprint.get("/statements")
@blueprint.doc(
    summary="Read a statement, or find statements",
    description=(
        "By statementId or voidedStatementId, else the latest first, 200 a page at most, by agent, "
        "verb, activity, registration, since, until, related_agents, related_activities, limit, "
        "ascending; format is exact, ids or canonical; `more` is the address of the next page."
    ),
    responses={200: "The statement, or a page", 400: "Bad parameter", 404: "No such statement"},
)
@web.authorize("statements.read")
def get_statements() -> Response:
    """Read or find."""
    require_version(request.headers.get(VERSION_HEADER))
    return _answer_query(request.args.to_dict())


@blueprint.route("/<path:resource>", methods=["GET", "POST", "PUT", "DELETE"])
@blueprint.doc(summary="Resources that are not kept here", responses={404: "Always"})
@web.authorize(SIGNED_IN)
def refuse_documents(resource: str) -> Response:
    """State, activities, agents and profiles are documents of a player, which we do not keep."""
    raise Problem(
        404,
        f"There is no {resource[:60]!a} here. Momentum takes statements (/xapi/statements) and "
        "tells its versions (/xapi/about). State, profiles, agents and activities are not kept: a "
        "course that needs them keeps them in its LMS's own record store.",
    )


def _store(raw: bytes, version: str, *, single: bool, statement_id: str | None = None) -> list[str]:
    statements = parse_statements(raw, version, single=single)
    if statement_id is not None:
        sent = statements[0].setdefault("id", statement_id)
        if sent.lower() != statement_id.lower():
            raise Problem(400, "The statement's id is not the parameter statementId. Send one id.")
    actor, state = web.actor(), web.state()
    if actor.environment_id is None:
        raise forbidden("Send statements with a key of one environment.")
    authority = {
        "objectType": "Agent",
        "account": {"homePage": f"{_HOME}/{actor.environment_key}", "name": actor.id},
    }
    may_void = actor.may("statements.void")
    sender = service.Sender(actor.environment_id, version, authority, may_void)
    return service.store(state.database, sender, statements, state.clock)


def _put(arguments: Mapping[str, str], raw: bytes, version: str) -> tuple[str, int]:
    query = parse_query({"statementId": "", **arguments})  # the empty one is refused there
    _refuse_parameters({name: "" for name in arguments if name != "statementId"})
    _store(raw, version, single=True, statement_id=query.statement_id)
    return "", 204


def _refuse_parameters(arguments: Mapping[str, str]) -> None:
    for name in arguments:
        raise Problem(400, f"Statements are stored without the parameter {name[:60]!a}.")


def _do_alternate(version: str) -> Any:
    asked = parse_form(request, version)
    if asked.method == "PUT":
        return _put(asked.parameters, asked.content, asked.version)
    if asked.method == "POST":
        return web.answer(_store(asked.content, asked.version, single=False))
    if not web.actor().may("statements.read"):
        raise forbidden("This needs the permission statements.read, which a client key lacks.")
    return _answer_query(asked.parameters)


def _answer_query(arguments: dict[str, str]) -> Response:
    query = parse_query(arguments)
    environment_id = web.actor().environment_id or 0
    with web.state().database.read() as session:
        through = service.consistent_through(session, environment_id)
        g.consistent_through = _BEGINNING if through is None else time_text(through)
        if query.statement_id is not None:
            return _answer_one(session, environment_id, query)
        found, following = find(session, environment_id, query)
        # What came between the two queries: everything before it is there as well.
        newest = max((body["stored"] for body in found), default=_BEGINNING)
        g.consistent_through = max(g.consistent_through, newest)
    more = ""
    if following is not None:
        more = f"{_PLACE}?{urlencode({**arguments, CURSOR: following})}"
    page = {"statements": [_in_format(body, query) for body in found], "more": more}
    return _as_asked(page, query)


def _answer_one(session: Session, environment_id: int, query: Query) -> Response:
    wanted = query.statement_id or ""
    body = service.load(session, environment_id, wanted, voided=query.is_voided)
    response = _as_asked(_in_format(body, query), query)
    response.last_modified = read_time(body["stored"])
    response.set_etag(blake2b(response.get_data(), digest_size=16).hexdigest())
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


def _in_format(body: dict[str, Any], query: Query) -> dict[str, Any]:
    languages = [tag for tag, _quality in request.accept_languages]
    return FORMATS[query.format](body, languages)


def _as_asked(value: dict[str, Any], query: Query) -> Response:
    """The answer as JSON, or as the first and only part of a multipart with attachments."""
    if not query.with_attachments:
        return web.answer(value)
    head = f"--{_BOUNDARY}\r\nContent-Type: application/json\r\n\r\n".encode()
    tail = f"\r\n--{_BOUNDARY}--\r\n".encode()
    kind = f"multipart/mixed; boundary={_BOUNDARY}"
    return Response(head + dumps(value) + tail, content_type=kind)
