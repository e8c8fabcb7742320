"""POST /api/v1/events: exposures, events and learner descriptions, durable before the answer."""

from typing import Any, Final

import orjson
from apiflask import APIBlueprint
from flask import Response, request

from experiment_server import web
from experiment_server.ingest import service
from experiment_server.ingest.described import ReceiptView, takes_a_batch
from experiment_server.ingest.items import Receipt
from experiment_server.ingest.service import MAX_ITEMS
from experiment_server.problems import FieldError, Problem, invalid, shown
from experiment_server.security import rate_limits
from experiment_server.security.cors import allow_other_sites

blueprint = APIBlueprint("ingest", __name__, url_prefix="/api/v1", tag="Events")
blueprint.after_request(allow_other_sites)  # browsers with a client key log what they met

_BODY: Final = 'Send {"items": [...]} with 1 to 1,000 exposures, events or learners.'


@blueprint.post("/events")
@takes_a_batch
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
    items = _read_items(request.get_data(cache=False))
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
        raise _nothing_accepted(receipt)
    return web.answer(receipt.to_json(), status=202)


def _read_items(raw: bytes) -> list[Any]:
    # Not strict_json.loads: one bad text must refuse its item, not the hundreds around it.
    try:
        body = orjson.loads(raw)
    except ValueError as error:
        found = FieldError("body", "malformed JSON", "valid JSON in UTF-8", _BODY)
        raise Problem(400, f"The body is no JSON: {error}. {_BODY}", [found]) from None
    if not isinstance(body, dict) or set(body) != {"items"}:
        raise invalid("body", body, "an object with the one member items", _BODY)
    items = body["items"]
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        raise invalid("items", items, f"a list of 1 to {MAX_ITEMS:,} items", _BODY)
    return items


def _nothing_accepted(receipt: Receipt) -> Problem:
    first = receipt.refused[0]
    problem = Problem(
        422,
        f"None of the {len(receipt.refused)} items could be accepted. "
        f"The first: {first.field} {first.reason}; {first.remedy}.",
        [
            FieldError(
                f"items[{refusal.index}].{refusal.field}",
                shown(refusal.reason),
                "see remedy",
                refusal.remedy,
            )
            for refusal in receipt.refused
        ],
    )
    problem.extra["refused"] = [refusal.to_json() for refusal in receipt.refused]
    return problem
