"""POST /api/v1/outcomes: numbers of a learner and a day, durable before the answer."""

from apiflask import APIBlueprint
from flask import Response, request

from experiment_server import web
from experiment_server.ingest.batches import nothing_accepted, read_items
from experiment_server.ingest.described import OutcomeBatch, ReceiptView, takes
from experiment_server.ingest.outcome_service import receive_outcomes
from experiment_server.problems import Problem
from experiment_server.security import rate_limits

blueprint = APIBlueprint("outcomes", __name__, url_prefix="/api/v1", tag="Outcomes")


@blueprint.post("/outcomes")
@takes(OutcomeBatch)
@blueprint.output(ReceiptView, status_code=202)
@blueprint.doc(
    summary="Hand over outcomes: sales, quota attainment, any number of a learner and a day",
    description=(
        "Of one learner, name and day the value received last counts, so send a correction like "
        "any other item. With an `id`, an item is taken once, however often it is sent. Without "
        "one, it changes nothing when its value is the current one: after 5, 7, 5 the value is 5. "
        "202 comes when the accepted items are durable; `refused` names the others, which wait in "
        "quarantine. Needs a server key. Metrics count an outcome as the event kind "
        "`outcome:<name>`, at noon UTC of its day."
    ),
    responses={422: "Nothing could be accepted"},
)
@web.authorize("outcomes.write")
@rate_limits.limited(rate_limits.INTAKE)
def post_outcomes() -> Response:
    """Take a batch."""
    items = read_items(request.get_data(cache=False), "outcomes")
    actor = web.actor()
    if actor.environment_id is None:
        raise Problem(403, "Send outcomes with a key of one environment.")
    state = web.state()
    receipt = receive_outcomes(state.database, actor.environment_id, items, state.clock())
    if len(receipt.refused) == len(items):
        raise nothing_accepted(receipt)
    return web.answer(receipt.to_json(), status=202)
