"""/api/v1/environments/<env>/quarantine: what was not taken, and what to do with it."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.problems import invalid
from experiment_server.quarantine import service
from experiment_server.quarantine.held import STATUSES, WAITING
from experiment_server.quarantine.service import Chosen
from experiment_server.replays.service import discard as discard_chosen
from experiment_server.replays.service import replay as replay_chosen
from experiment_server.web import Body

blueprint = APIBlueprint(
    "quarantine", __name__, url_prefix="/api/v1/environments/<env>/quarantine", tag="Quarantine"
)

ItemId = Annotated[int, Field(ge=1, le=2**53)]


class ChoiceBody(Body):
    """Which waiting things; what is left out does not narrow the choice."""

    ids: list[ItemId] = Field(default=[], max_length=500)
    standard: str | None = Field(default=None, max_length=16)
    cause: str | None = Field(default=None, max_length=300, description="as the counts give it")


class DiscardBody(ChoiceBody):
    """Which waiting things, and why nobody needs them."""

    reason: str = Field(min_length=1, max_length=2000)


class ItemView(BaseModel):
    """One thing in quarantine."""

    id: int
    standard: str = Field(description="native, outcomes, xapi or caliper")
    raw: str = Field(description="As it was received, as JSON text")
    is_whole: bool = Field(
        description="false: only its beginning is here; xAPI is replayed from its store"
    )
    field: str
    reason: str
    remedy: str
    cause: str = Field(description="The reason without the values of one thing")
    times: int = Field(description="How often it was received")
    received_at: datetime
    last_received_at: datetime
    status: str = Field(description="waiting, replayed or discarded")
    settled_at: datetime | None
    note: str = Field(description="Why it was discarded")


class ItemList(BaseModel):
    """The newest things first."""

    items: list[ItemView]
    next: int | None = None


class CauseView(BaseModel):
    """How many waiting things failed alike."""

    standard: str
    field: str
    cause: str
    remedy: str
    n_items: int
    n_received: int = Field(description="With every repeat")
    last_received_at: datetime


class CauseList(BaseModel):
    """The most frequent causes first, and how many things wait in all."""

    items: list[CauseView]
    n_waiting: int


class ReplayedView(BaseModel):
    """What became of a replay."""

    n_replayed: int
    n_kept: int = Field(description="Still not understood; each has its new reason")
    n_left: int = Field(description="More of those chosen wait: send the same again")


class DiscardedView(BaseModel):
    """What became of a discard."""

    n_discarded: int


@blueprint.get("")
@blueprint.output(ItemList)
@blueprint.doc(
    summary="List what was not taken, newest first",
    description=(
        "Optional: status (waiting, replayed, discarded; default all), standard, cause, limit, "
        "after (the last answer's next). It shows what senders wrote, learners' ids included."
    ),
)
@web.authorize("quarantine.read")
def list_items(env: str) -> Response:
    """What is in quarantine."""
    page = web.page()
    status = web.query_text("status")
    if status is not None and status not in STATUSES:
        raise invalid("status", status, "one of " + ", ".join(STATUSES), f"For example {WAITING}.")
    chosen = Chosen(standard=web.query_text("standard"), cause=web.query_text("cause"))
    with web.state().database.read() as session:
        place = load_environment(session, env)
        found = service.list_items(
            session, int(place.id or 0), status, chosen, page.limit, page.after
        )
    views = [ItemView.model_validate(item, from_attributes=True) for item in found]
    return web.listing(views, views[-1].id if len(views) == page.limit else None)


@blueprint.get("/counts")
@blueprint.output(CauseList)
@blueprint.doc(summary="Count what waits, by cause")
@web.authorize("quarantine.read")
def count_causes(env: str) -> Response:
    """What the waiting things fail of."""
    with web.state().database.read() as session:
        place = load_environment(session, env)
        causes = service.count_causes(session, int(place.id or 0))
        n_waiting = service.count_waiting(session, int(place.id or 0))
    return web.answer(
        CauseList(items=[CauseView(**one._asdict()) for one in causes], n_waiting=n_waiting)
    )


@blueprint.post("/replay")
@blueprint.input(ChoiceBody, arg_name="body")
@blueprint.output(ReplayedView)
@blueprint.doc(
    summary="Send waiting things through their parser again",
    description=(
        "After a mapping was fixed or an experiment started. What is understood now is taken as if "
        "it had been when it was received, once, however often this is called; the rest stays with "
        "its new reason. Accepted xAPI statements that are no events yet and that quarantine does "
        "not hold are read in their store, unless things are named by id. Up to 10,000 things of "
        "each in one call; of quarantine's own, those first that were tried least often."
    ),
)
@web.authorize("quarantine.write")
def replay(env: str, body: ChoiceBody) -> Response:
    """Try again."""
    state = web.state()
    with state.database.read() as session:
        place = load_environment(session, env)
    done = replay_chosen(state.database, web.actor(), place, _chosen(body), state.clock())
    return web.answer(done._asdict())


@blueprint.post("/discard")
@blueprint.input(DiscardBody, arg_name="body")
@blueprint.output(DiscardedView)
@blueprint.doc(
    summary="Set waiting things aside for good", description="They are listed until they expire."
)
@web.authorize("quarantine.write")
def discard(env: str, body: DiscardBody) -> Response:
    """Set aside."""
    state = web.state()
    with state.database.write() as session:
        place = load_environment(session, env)
        n_discarded = discard_chosen(
            session, web.actor(), place, _chosen(body), body.reason, state.clock()
        )
    return web.answer({"n_discarded": n_discarded})


def _chosen(body: Any) -> Chosen:
    return Chosen(tuple(body.ids), body.standard, body.cause)
