"""GET /api/v1/payload: what SDKs decide by."""

from apiflask import APIBlueprint
from flask import Response, current_app, request

from experiment_server import web
from experiment_server.delivery.service import PayloadCache
from experiment_server.problems import forbidden

CACHE = "momentum.payloads"

blueprint = APIBlueprint("delivery", __name__, url_prefix="/api/v1", tag="Delivery")


@blueprint.get("/payload")
@blueprint.doc(
    summary="The payload of the key's environment",
    description=(
        "Flags and running experiments, in the shape of the GrowthBook SDK payload with a member "
        "`momentum`. Send the last ETag as If-None-Match: 304 says that nothing changed."
    ),
    responses={200: "The payload", 304: "Nothing changed"},
)
@web.authorize("payload.read")
def read_payload() -> Response:
    """The payload, or 304."""
    environment_id = web.actor().environment_id
    if environment_id is None:
        raise forbidden("Ask with a key of one environment.")
    cache: PayloadCache = current_app.extensions.setdefault(CACHE, PayloadCache())
    delivered = cache.current(web.state().database, environment_id)
    response = Response(delivered.body, mimetype="application/json")
    response.set_etag(delivered.etag)
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response
