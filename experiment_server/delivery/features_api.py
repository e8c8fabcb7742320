"""GrowthBook's SDK endpoints: any of its SDKs works with a client key of ours."""

from collections.abc import Iterator
from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response, current_app, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from experiment_server import web
from experiment_server.delivery import held
from experiment_server.delivery.context import read_question
from experiment_server.delivery.remote import evaluate_all
from experiment_server.delivery.service import GROWTHBOOK, Edition
from experiment_server.delivery.streams import (
    LOOK_S,
    NoPlace,
    Subscription,
    events,
    features_event,
    network_of,
)
from experiment_server.environments.service import actor_of_key
from experiment_server.problems import Problem, forbidden
from experiment_server.security.api_keys import LEADS, hash_key
from experiment_server.security.cors import allow_other_sites
from experiment_server.security.rate_limits import EVALUATIONS, limited
from experiment_server.security.roles import CLIENT
from experiment_server.strict_json import dumps

RETRY_S: Final = "30"

blueprint = APIBlueprint("features", __name__, tag="GrowthBook SDKs")
blueprint.after_request(allow_other_sites)


@blueprint.get("/api/features/<client_key>")
@blueprint.doc(
    summary="Definitions for a GrowthBook SDK",
    description=(
        "The key in the address is a client key, so nothing in the answer names anybody: see "
        "docs/howto/other-languages.md. Send the last ETag as If-None-Match."
    ),
    responses={200: "The payload", 304: "Nothing changed", 401: "No such key"},
)
@limited(EVALUATIONS)
@web.public
def read_features(client_key: str) -> Response:  # noqa: ARG001 - the guard has read it
    """The payload, or 304."""
    payload_key = web.path_actor().payload_key
    response = held.send(held.edition_of(_environment()).delivered(GROWTHBOOK, payload_key))
    # Never used unasked, and by a cache on the way for a day while we do not answer.
    response.headers["Cache-Control"] = "public, max-age=0, stale-if-error=86400"
    if held.streams_of(current_app).most:
        response.headers["X-SSE-Support"] = "enabled"
    return response


@blueprint.get("/sub/<client_key>")
@blueprint.doc(
    summary="A stream of definitions for GrowthBook SDKs",
    description="An event `features` at once and after each change; 429 or 503 past the limits.",
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
    """A stream that tells each change."""
    _environment()  # 401 before anything else
    payload_key = web.path_actor().payload_key
    return stream(
        client_key,
        token=lambda edition: edition.delivered(GROWTHBOOK, payload_key).etag,
        event=lambda edition: features_event(edition.delivered(GROWTHBOOK, payload_key)),
        seen=request.headers.get("Last-Event-ID"),
    )


@blueprint.post("/api/eval/<client_key>")
@blueprint.doc(
    summary="Remote evaluation for a GrowthBook SDK",
    description=(
        "For clients that must not see rules: each flag's answer for these `attributes`, and for "
        "what a tester forces with `forcedVariations`, `forcedFeatures` and `url`."
    ),
    responses={200: "The payload without rules", 400: "Bad attributes", 401: "No such key"},
)
@limited(EVALUATIONS)
@web.public
def evaluate_remotely(client_key: str) -> Response:  # noqa: ARG001 - the guard has read it
    """The answers for one learner, as a payload whose flags have no conditions."""
    environment_id = _environment()
    asked = read_question(request.get_data())
    edition = held.edition_of(environment_id, held.GLANCE_S)
    return Response(dumps(evaluate_all(edition, asked)), mimetype="application/json")


def stream(client_key: str, *, token: Any, event: Any, seen: str | None) -> Response:
    """An event stream of the environment of this client key.

    Raises:
        Problem: 401 for the key; 429 when its streams, or those of the address, are as many as may
            be; 503 when the process serves as many as it can.
    """
    environment_id = _environment()
    app, database = current_app, web.state().database
    streams, payloads = held.streams_of(app), held.payloads_of(app)

    def edition() -> Edition:
        return payloads.current(database, environment_id, LOOK_S)

    def is_allowed() -> bool:
        try:
            with database.read() as session:
                return actor_of_key(session, client_key) is not None
        except (OperationalError, PoolTimeout):
            return True  # nobody can be asked: streams outlive a database that is away

    held.edition_of(environment_id)  # a server that knows nothing says so now, as 503
    try:
        leave = streams.enter(*_holders(client_key))
    except NoPlace as refusal:
        status = 429 if refusal.holder else 503
        raise Problem(status, str(refusal), headers={"Retry-After": RETRY_S}) from refusal
    told: Iterator[bytes] = events(Subscription(edition, token, event, is_allowed, seen), streams)
    response = Response(told, mimetype="text/event-stream")
    response.call_on_close(leave)
    response.headers["Cache-Control"] = "no-cache, no-transform"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _holders(client_key: str) -> tuple[str, ...]:
    """Who takes a place: for a key that anybody can read, the key and the address, else nobody."""
    if not client_key.startswith(LEADS[CLIENT]):
        return ()
    return f"key {hash_key(client_key)[:16]}", f"address {network_of(request.remote_addr)}"


def _environment() -> int:
    environment_id = web.path_actor().environment_id
    if environment_id is None:
        raise forbidden("Ask with a key of one environment.")
    return environment_id
