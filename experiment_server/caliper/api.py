"""POST /caliper: envelopes of 1EdTech Caliper 1.2 (and 1.1) events."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel, Field

from experiment_server import web
from experiment_server.caliper import service
from experiment_server.ingest.batches import load_body, nothing_accepted
from experiment_server.ingest.described import RefusalView, takes
from experiment_server.problems import FieldError, Problem, forbidden, invalid_fields, shown
from experiment_server.security import rate_limits

blueprint = APIBlueprint("caliper", __name__, url_prefix="/caliper", tag="Caliper")

MAX_EVENTS: Final = 1_000
_MEMBERS: Final = ("sensor", "sendTime", "dataVersion", "data")
_VERSIONS: Final = tuple(
    f"http://purl.imsglobal.org/ctx/caliper/v1p{minor}{extension}"
    for minor in (1, 2)
    for extension in ("", "/")
)


class Envelope(BaseModel):
    """What a sensor sends."""

    sensor: str = Field(min_length=1, max_length=500)
    sendTime: datetime  # noqa: N815 - the standard's own name
    dataVersion: str = Field(examples=[_VERSIONS[-2]])  # noqa: N815
    data: list[dict[str, Any]] = Field(min_length=1, max_length=MAX_EVENTS)


class CaliperReceipt(BaseModel):
    """What became of an envelope; the accepted events are durable."""

    accepted: int
    duplicates: int = Field(description="Received before: stored once")
    described: int = Field(description="Descriptions of things, which are not kept")
    refused: list[RefusalView] = Field(description="Also kept in quarantine, with the reason")


@blueprint.post("")
@takes(Envelope)
@blueprint.output(CaliperReceipt)
@blueprint.doc(
    summary="Take an envelope of Caliper events",
    description=(
        "A bad event is refused by its index and the others are kept. An event's id (urn:uuid:...) "
        "sent again is stored once. What no kind rule knows waits in quarantine."
    ),
    responses={400: "No JSON", 422: "No envelope, or no event of it could be accepted"},
)
@web.authorize("events.write")
@rate_limits.limited(rate_limits.INTAKE)
def post_envelope() -> Response:
    """Take an envelope."""
    if request.mimetype != "application/json":
        raise Problem(415, "Send the envelope as JSON, with Content-Type: application/json.")
    data = _read_data(request.get_data(cache=False))
    actor, state = web.actor(), web.state()
    if actor.environment_id is None:
        raise forbidden("Send events with a key of one environment.")
    taken = service.take_envelope(state.database, actor.environment_id, data, state.clock())
    receipt = taken.receipt
    if len(receipt.refused) == len(data):
        raise nothing_accepted(receipt)
    return web.answer({**receipt.to_json(), "described": taken.n_described})


def _read_data(raw: bytes) -> list[Any]:
    envelope = load_body(raw, _remedy())
    if type(envelope) is not dict:
        raise invalid_fields([FieldError("body", shown(envelope), "an envelope", _remedy())])
    errors = [
        FieldError(name, shown(envelope.get(name)), expected, _remedy())
        for name, (fits, expected) in _CHECKS.items()
        if not fits(envelope.get(name))
    ]
    errors += [
        FieldError(shown(name), "a member", "only " + ", ".join(_MEMBERS), _remedy())
        for name in envelope
        if name not in _MEMBERS
    ]
    if errors:
        raise invalid_fields(errors)
    return list(envelope["data"])


def _remedy() -> str:
    return "Send sensor, sendTime, dataVersion and data, as Caliper 1.2 has it."


def _is_time(value: Any) -> bool:
    try:
        return type(value) is str and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


_CHECKS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "sensor": (lambda v: type(v) is str and 1 <= len(v) <= 500, "an IRI of the sensor"),
    "sendTime": (_is_time, "a time with its zone, such as 2026-03-01T09:30:00.000Z"),
    "dataVersion": (lambda v: v in _VERSIONS, _VERSIONS[-2]),
    "data": (
        lambda v: type(v) is list and 1 <= len(v) <= MAX_EVENTS,
        f"a list of 1 to {MAX_EVENTS:,} events",
    ),
}
