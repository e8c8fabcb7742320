"""/api/v1/environments/<env>/retention: how long rows are kept."""

from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.retention import service
from experiment_server.web import Body

blueprint = APIBlueprint(
    "retention", __name__, url_prefix="/api/v1/environments/<env>/retention", tag="Retention"
)

Days = Annotated[
    int | None,
    Field(default=None, ge=service.LEAST_DAYS, le=service.MOST_DAYS, description="null: for ever"),
]


class RetentionBody(Body):
    """For how many days each kind of rows is kept; what is left out is kept for ever."""

    events: Days
    exposures: Days
    outcomes: Days
    learners: Days
    statements: Days


class RetentionView(BaseModel):
    """An environment's rules."""

    events: int | None
    exposures: int | None
    outcomes: int | None
    learners: int | None
    statements: int | None


def _view(rules: dict[str, int]) -> RetentionView:
    return RetentionView(**{kept: rules.get(kept) for kept in service.KEPT})


@blueprint.get("")
@blueprint.output(RetentionView)
@blueprint.doc(summary="Read how long rows are kept")
@web.authorize("definitions.read")
def read_rules(env: str) -> Response:
    """The environment's rules."""
    with web.state().database.read() as session:
        place = load_environment(session, env)
        return web.answer(_view(service.list_rules(session, place)))


@blueprint.put("")
@blueprint.input(RetentionBody, arg_name="body")
@blueprint.output(RetentionView)
@blueprint.doc(
    summary="Say how long rows are kept",
    description="Older days leave the lake at night, and its disk with a later vacuum. "
    "An experiment that runs for longer than its rows are kept loses its first learners. Of "
    "learners' descriptions only those go that nobody needs to know how somebody was since.",
)
@web.authorize("environments.write")
def set_rules(env: str, body: RetentionBody) -> Response:
    """Replace the environment's rules."""
    wanted = {kept: days for kept, days in body.model_dump().items() if days is not None}
    with web.state().database.write() as session:
        place = load_environment(session, env)
        return web.answer(_view(service.set_rules(session, web.actor(), place, wanted)))
