"""POST /api/v1/events: exposures, events and learner descriptions, durable before the answer."""

from apiflask import APIBlueprint
from flask import Response, request

from experiment_server import web
from experiment_server.ingest import service
from experiment_server.ingest.batches import nothing_accepted, read_items
from experiment_server.ingest.described import Batch, ReceiptView, takes
from experiment_server.problems import Problem
from experiment_server.security import rate_limits
from experiment_server.security.cors import allow_other_sites

blueprint = APIBlueprint("ingest", __name__, url_prefix="/api/v1", tag="Events")
blueprint.after_request(allow_other_sites)  # browsers with a client key log what they met


@blueprint.post("/events")
@takes(Batch)
@blueprint.output(ReceiptView, status_code=202)
@blueprint.doc(
    summary="Hand over exposures, events and learner descriptions",
    description=(
        "Each item carries an id of your making: the same id again is counted as a duplicate and "
        "stored once, so repeat whatever was not answered. 202 comes when the accepted items are "
        "durable; `refused` names the others by index, field and remedy."
    ),
    responses={422: "Nothing could be accepted"},
)
@web.authorize("events.write")
@rate_limits.limited(rate_limits.INTAKE)
def post_events() -> Response:
    """Take a batch."""
    items = read_items(request.get_data(cache=False), "exposures, events or learners")
    actor = web.actor()
    if actor.environment_id is None:
        raise Problem(403, "Send events with a key of one environment.")
    state = web.state()
    receipt = service.receive(
        state.database,
        actor.environment_id,
        items,
        state.clock(),
        may_describe=actor.may("learners.write"),
    )
    if len(receipt.refused) == len(items):
        raise nothing_accepted(receipt)
    return web.answer(receipt.to_json(), status=202)
