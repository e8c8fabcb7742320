"""GET /api/v1/payload: what our own SDK decides by."""

from apiflask import APIBlueprint
from flask import Response, request

from experiment_server import web
from experiment_server.delivery import held
from experiment_server.delivery.features_api import stream
from experiment_server.delivery.service import CLIENTS, SERVERS
from experiment_server.delivery.streams import refetch_event
from experiment_server.problems import forbidden
from experiment_server.security.roles import CLIENT

blueprint = APIBlueprint("delivery", __name__, url_prefix="/api/v1", tag="Delivery")


@blueprint.get("/payload")
@blueprint.doc(
    summary="The payload of the key's environment",
    description=(
        "Flags and running experiments, in the shape of the GrowthBook SDK payload with a member "
        "`momentum`. A client key receives nothing that names anybody. Send the last ETag as "
        "If-None-Match: 304 says that nothing changed."
    ),
    responses={200: "The payload", 304: "Nothing changed"},
)
@web.authorize("payload.read")
def read_payload() -> Response:
    """The payload, or 304."""
    actor = web.actor()
    if actor.environment_id is None:
        raise forbidden("Ask with a key of one environment.")
    reader = CLIENTS if actor.key_kind == CLIENT else SERVERS
    response = held.send(held.edition_of(actor.environment_id).delivered(reader, actor.payload_key))
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/stream")
@blueprint.doc(
    summary="A stream that says when to ask for the payload again",
    description="For our own SDK: the key is in the head of the request, where no log keeps it.",
    responses={
        200: "text/event-stream",
        429: "Too many streams of this key or address",
        503: "Too many streams",
    },
)
@web.authorize("payload.read")
def subscribe() -> Response:
    """A stream of changes, the first at once; the definitions themselves are not in it."""
    clock = web.state().clock
    return stream(
        held.sent_key(),
        token=lambda edition: edition.token,
        event=lambda edition: refetch_event(edition.token, int(clock().timestamp())),
        seen=request.headers.get("Last-Event-ID"),
    )
