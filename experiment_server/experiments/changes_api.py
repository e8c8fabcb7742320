"""Pausing an experiment, what applies after it, and who previews it."""

from collections.abc import Callable
from typing import Annotated, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlmodel import Session

from experiment_server import web
from experiment_server.experiments import changes
from experiment_server.experiments.api import (
    AfterBody,
    ExperimentView,
    UnitId,
    load_experiment,
    view_experiment,
)
from experiment_server.experiments.models import Experiment
from experiment_server.experiments.previews import MOST_PREVIEWS
from experiment_server.web import Body

blueprint = APIBlueprint(
    "experiment_changes",
    __name__,
    url_prefix="/api/v1/environments/<env>/experiments",
    tag="Life of an experiment",
)

VariantKey = Annotated[str, Field(min_length=1, max_length=128)]


class PauseBody(Body):
    """Why it is paused."""

    reason: str = Field(default="", max_length=2000)


class NewAfterBody(AfterBody):
    """What applies from now on."""

    rule: Literal["revert", "keep", "ship"]


class PreviewsBody(Body):
    """Who sees which variant."""

    items: dict[UnitId, VariantKey] = Field(
        max_length=MOST_PREVIEWS, description="learner to variant; replaces the list"
    )


@blueprint.post("/<key>/pause")
@blueprint.output(ExperimentView)
@blueprint.doc(
    summary="Pause an experiment",
    description=(
        "Everybody gets the control and no exposure is logged until it is resumed. "
        'Optional body: {"reason": "..."}.'
    ),
)
@web.authorize("experiments.run")
def pause_experiment(env: str, key: str) -> Response:
    """Stand still."""
    body, state = web.optional_body(PauseBody), web.state()

    def pause(session: Session, found: Experiment) -> None:
        changes.pause_experiment(session, web.actor(), found, body.reason, state.clock())

    return _change(env, key, pause)


@blueprint.post("/<key>/resume")
@blueprint.output(ExperimentView)
@blueprint.doc(
    summary="Resume a paused experiment",
    description="The same phase goes on: the same seed, the same buckets.",
)
@web.authorize("experiments.run")
def resume_experiment(env: str, key: str) -> Response:
    """Go on."""
    state = web.state()

    def resume(session: Session, found: Experiment) -> None:
        changes.resume_experiment(session, web.actor(), found, state.clock())

    return _change(env, key, resume)


@blueprint.put("/<key>/after")
@blueprint.input(NewAfterBody, arg_name="body")
@blueprint.output(ExperimentView)
@blueprint.doc(
    summary="Say what applies after a stopped experiment",
    description=(
        "revert: the control for everybody; keep: units keep their variants; ship: one variant for "
        "everybody. Until it is archived. Needs If-Match with the version you read."
    ),
)
@web.authorize("experiments.run")
def set_after(env: str, key: str, body: NewAfterBody) -> Response:
    """Another rule for what applies."""
    version, state = web.if_match(), web.state()

    def change(session: Session, found: Experiment) -> None:
        wish = body.model_dump()
        changes.set_after(session, web.actor(), found, version, wish, state.clock())

    return _change(env, key, change)


@blueprint.put("/<key>/previews")
@blueprint.input(PreviewsBody, arg_name="body")
@blueprint.output(ExperimentView)
@blueprint.doc(
    summary="Say who previews an experiment",
    description=(
        f"At most {MOST_PREVIEWS} learners, who see their variant even while it is a draft and "
        "never count. Needs If-Match with the version you read."
    ),
)
@web.authorize("definitions.write")
def set_previews(env: str, key: str, body: PreviewsBody) -> Response:
    """Replace the list of those who preview."""
    version, state = web.if_match(), web.state()

    def change(session: Session, found: Experiment) -> None:
        changes.set_previews(session, web.actor(), found, version, body.items, state.clock())

    return _change(env, key, change)


def _change(env: str, key: str, change: Callable[[Session, Experiment], None]) -> Response:
    with web.state().database.write() as session:
        found = load_experiment(session, env, key)
        change(session, found)
        shown = view_experiment(session, found)
    return web.answer(shown, version=found.version)
