"""/api/v1/environments/<env>/holdouts: a share of the units that stays out of experiments."""

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field
from sqlmodel import Session

from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.holdouts import service
from experiment_server.holdouts.models import Holdout
from experiment_server.web import Body, Key

blueprint = APIBlueprint(
    "holdouts", __name__, url_prefix="/api/v1/environments/<env>/holdouts", tag="Holdouts"
)


class TitleBody(Body):
    """What can change of a holdout."""

    title: str = Field(min_length=1, max_length=200)


class HoldoutBody(TitleBody):
    """A new holdout."""

    key: Key
    domain: str | None = Field(
        default=None, max_length=32, description="null: experiments of every domain"
    )
    unit_kind: str = Field(
        default="learner",
        max_length=16,
        description="learner or team: whose id is hashed, for every experiment alike",
    )
    share: float = Field(ge=0.001, le=0.5, description="of the units, such as 0.05")
    includes_running: bool = Field(
        default=False, description="also what runs already: its held-out units then leave it"
    )


class EndBody(Body):
    """Why it ends."""

    reason: str = Field(default="", max_length=2000)


class HoldoutView(BaseModel):
    """A stored holdout."""

    key: str
    title: str
    domain: str | None
    unit_kind: str
    share: float
    includes_running: bool
    seed: str
    started_at: datetime
    ended_at: datetime | None
    end_reason: str
    version: int


class HoldoutList(BaseModel):
    """An environment's holdouts, the newest first."""

    items: list[HoldoutView]
    next: int | None = None


@blueprint.get("")
@blueprint.output(HoldoutList)
@blueprint.doc(summary="List the holdouts")
@web.authorize("definitions.read")
def list_holdouts(env: str) -> Response:
    """An environment's holdouts."""
    with web.state().database.read() as session:
        place = load_environment(session, env)
        found = service.list_holdouts(session, int(place.id or 0))
        return web.listing([_view(holdout) for holdout in found])


@blueprint.post("")
@blueprint.input(HoldoutBody, arg_name="body")
@blueprint.output(HoldoutView, status_code=201)
@blueprint.doc(
    summary="Start a holdout",
    description="At once. Its share, seed and units never change; end it and start another.",
)
@web.authorize("experiments.run")
def start_holdout(env: str, body: HoldoutBody) -> Response:
    """Keep a share out from now on."""
    state = web.state()
    with state.database.write() as session:
        place = load_environment(session, env)
        wish = body.model_dump()
        made = service.start_holdout(session, web.actor(), place, wish, state.clock())
        shown = _view(made)
    return web.answer(shown, status=201, version=made.version)


@blueprint.get("/<key>")
@blueprint.output(HoldoutView)
@blueprint.doc(summary="Read a holdout")
@web.authorize("definitions.read")
def read_holdout(env: str, key: str) -> Response:
    """One holdout; its version is the ETag."""
    with web.state().database.read() as session:
        found = _load(session, env, key)
        return web.answer(_view(found), version=found.version)


@blueprint.put("/<key>")
@blueprint.input(TitleBody, arg_name="body")
@blueprint.output(HoldoutView)
@blueprint.doc(
    summary="Give a holdout another title",
    description="Needs If-Match with the version you read.",
)
@web.authorize("definitions.write")
def rename_holdout(env: str, key: str, body: TitleBody) -> Response:
    """Another title."""
    version, state = web.if_match(), web.state()
    with state.database.write() as session:
        found = _load(session, env, key)
        service.rename_holdout(session, web.actor(), found, version, body.title, state.clock())
        shown = _view(found)
    return web.answer(shown, version=found.version)


@blueprint.post("/<key>/end")
@blueprint.output(HoldoutView)
@blueprint.doc(summary="End a holdout", description='Optional body: {"reason": "..."}.')
@web.authorize("experiments.run")
def end_holdout(env: str, key: str) -> Response:
    """Let its units into experiments."""
    body, state = web.optional_body(EndBody), web.state()
    with state.database.write() as session:
        found = _load(session, env, key)
        service.end_holdout(session, web.actor(), found, body.reason, state.clock())
        shown = _view(found)
    return web.answer(shown, version=found.version)


def _load(session: Session, env: str, key: str) -> Holdout:
    place = load_environment(session, env)
    return service.load_holdout(session, int(place.id or 0), key)


def _view(holdout: Holdout) -> HoldoutView:
    values: dict[str, Any] = service.plain(holdout)
    return HoldoutView(**values)
