"""/ofrep/v1: any OpenFeature SDK with its OFREP provider works with a key of ours."""

from hashlib import sha256
from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response, current_app, request

from experiment_server import web
from experiment_server.delivery import held, ofrep
from experiment_server.delivery.context import read_body
from experiment_server.delivery.features_api import stream
from experiment_server.delivery.service import Edition
from experiment_server.delivery.streams import refetch_event
from experiment_server.problems import Problem, forbidden
from experiment_server.security.cors import allow_other_sites
from experiment_server.security.rate_limits import EVALUATIONS, limited
from experiment_server.security.roles import CLIENT, Actor
from experiment_server.strict_json import dumps

IDLE_S: Final = 120  # after so long in the background a client closes its stream

blueprint = APIBlueprint("ofrep", __name__, url_prefix="/ofrep/v1", tag="OpenFeature (OFREP)")
blueprint.after_request(allow_other_sites)


class Refused(Exception):  # noqa: N818  (an answer in OFREP's words, not a failure of ours)
    """A context that cannot be evaluated."""

    def __init__(self, code: str, details: str, key: str | None) -> None:
        super().__init__(details)
        self.body = ofrep.failure(code, details, key)


@blueprint.errorhandler(Refused)
def refuse(refused: Refused) -> Response:
    """400, with an error code that providers know."""
    return _answer(400, refused.body)


@blueprint.post("/evaluate/flags/<key>")
@blueprint.doc(
    summary="Evaluate one flag or experiment",
    description='OFREP 0.3. Body: `{"context": {"targetingKey": "learner-1", "role": "seller"}}`.',
    responses={
        200: "The answer",
        400: "A context, or a definition, that cannot be evaluated",
        404: "No such flag",
        429: "Too many",
    },
)
@limited(EVALUATIONS)
@web.authorize("flags.evaluate")
def evaluate_one(key: str) -> Response:
    """One answer."""
    attributes, actor = _attributes(key), web.actor()
    edition = _edition(actor)
    if key in _hidden(edition, actor):
        return _answer(404, ofrep.failure(ofrep.FLAG_NOT_FOUND, f"There is no {key!a}.", key))
    return _answer(*ofrep.evaluate_flag(edition, key, attributes))


@blueprint.post("/evaluate/flags")
@blueprint.doc(
    summary="Evaluate every flag and experiment",
    description="OFREP 0.3. Send the last ETag as If-None-Match: 304 says that no answer changed.",
    responses={200: "The answers", 304: "No answer changed", 400: "Bad context", 429: "Too many"},
)
@limited(EVALUATIONS)
@web.authorize("flags.evaluate")
def evaluate_every() -> Response:
    """All answers, or 304."""
    attributes, actor = _attributes(None), web.actor()
    edition = _edition(actor)
    flags = ofrep.evaluate_flags(edition, attributes, _hidden(edition, actor))
    about = {"metadata": {"version": edition.version}, **_event_streams(actor)}
    response = _answer(200, {"flags": flags, **about})
    response.set_etag(sha256(dumps(flags)).hexdigest()[:32])
    if request.if_none_match.contains_weak(response.get_etag()[0] or ""):
        response.status_code, response.data = 304, b""  # werkzeug does so for GET only
    return response


@blueprint.get("/streams/<client_key>")
@blueprint.doc(
    summary="A stream that says when to evaluate again",
    description="OFREP 0.3, ADR 8: events `refetchEvaluation`. The bulk answer advertises it.",
    responses={
        200: "text/event-stream",
        401: "No such key",
        429: "Too many streams of this key or address",
        503: "Too many streams",
    },
)
@limited(EVALUATIONS)
@web.public
def subscribe(client_key: str) -> Response:
    """A stream of changes."""
    held_token = request.headers.get("Last-Event-ID")
    clock = web.state().clock
    return stream(
        client_key,
        token=_token,
        event=lambda edition: refetch_event(_token(edition), int(clock().timestamp())),
        seen=held_token or _token(held.edition_of(web.path_actor().environment_id or 0)),
    )


def _token(edition: Edition) -> str:
    return edition.token


def _attributes(key: str | None) -> dict[str, Any]:
    try:
        context = read_body(request.get_data(), "context")
    except Problem as problem:
        unread = problem.errors and problem.errors[0].found == "malformed JSON"
        code = ofrep.PARSE_ERROR if unread else ofrep.INVALID_CONTEXT
        raise Refused(code, problem.detail, key) from problem
    unit = context.pop(ofrep.TARGETING_KEY, None)
    if unit is None:
        return context
    if not isinstance(unit, str) or not 0 < len(unit) <= ofrep.LONGEST_UNIT:
        details = f"targetingKey: send a text of 1 to {ofrep.LONGEST_UNIT} characters."
        raise Refused(ofrep.INVALID_CONTEXT, details, key)
    context["id"] = unit
    return context


def _edition(actor: Actor) -> Edition:
    if actor.environment_id is None:
        raise forbidden("Ask with a key of one environment.")
    # A client that a stream told of a change must not meet an older look.
    told = b"flagConfig" in request.query_string
    return held.edition_of(actor.environment_id, 0.0 if told else held.GLANCE_S)


def _hidden(edition: Edition, actor: Actor) -> frozenset[str]:
    return edition.server_only if actor.key_kind == CLIENT else frozenset()


def _event_streams(actor: Actor) -> dict[str, Any]:
    """Where a client hears of changes; a server key must not stand in an address."""
    if actor.key_kind != CLIENT or not held.streams_of(current_app).most:
        return {}
    scheme = "https" if web.state().settings.secure_cookies else request.scheme
    url = f"{scheme}://{request.host}{blueprint.url_prefix}/streams/{held.sent_key()}"
    return {"eventStreams": [{"type": "sse", "url": url, "inactivityDelaySec": IDLE_S}]}


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(dumps(body), status, mimetype="application/json")
