"""Readouts and the five questions, for programs."""

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from experiment_server import web
from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.environments.service import load_environment
from experiment_server.experiments.models import Experiment
from experiment_server.experiments.service import load_experiment
from experiment_server.problems import invalid
from experiment_server.readouts import service
from experiment_server.readouts.models import StoredReadout
from experiment_server.readouts.questions import answer_questions
from experiment_server.readouts.read import read_by_hand
from experiment_server.times import BoundedTime
from experiment_server.web import Body

blueprint = APIBlueprint("readouts", __name__, url_prefix="/api/v1", tag="Readouts")


class ReadoutWish(Body):
    """When to read an experiment, besides its planned looks."""

    as_of: BoundedTime | None = Field(
        default=None, description="Read as if it were this time; left out: now."
    )


class ReadoutSummary(BaseModel):
    """One readout in a list."""

    id: int
    experiment: str
    phase: int
    look: int | None = Field(description="Number of the planned look; null: read by hand")
    as_of: datetime
    verdict: str
    winner: str | None
    reason: str
    created_at: datetime


class ReadoutList(BaseModel):
    """An experiment's readouts, oldest first."""

    items: list[ReadoutSummary]
    next: int | None = None


class StoredReadoutView(ReadoutSummary):
    """A readout in full: the plan it was computed from and everything it found."""

    plan: dict[str, Any]
    readout: dict[str, Any]


class AnswersView(BaseModel):
    """The five questions, answered."""

    as_of: datetime
    lake_version: dict[str, int]
    score_version: str
    answers: list[dict[str, Any]]


@blueprint.get("/environments/<env>/experiments/<key>/readouts")
@blueprint.output(ReadoutList)
@blueprint.doc(summary="List an experiment's readouts")
@web.authorize("results.read")
def list_readouts(env: str, key: str) -> Response:
    """Every readout of every phase, oldest first."""
    with web.state().database.read() as session:
        experiment = load_experiment(session, _id(load_environment(session, env)), key)
        found = [service.summary(row) for row in service.list_readouts(session, experiment)]
    return web.listing(found)


@blueprint.post("/environments/<env>/experiments/<key>/readouts")
@blueprint.input(ReadoutWish, arg_name="body")
@blueprint.output(StoredReadoutView, status_code=201)
@blueprint.doc(
    summary="Read an experiment between its planned looks",
    description=(
        "As often as you like: such a readout spends none of the planned looks' error and so names "
        "no winner, but it does warn of harm and of broken data."
    ),
)
@web.authorize("results.compute")
def create_readout(env: str, key: str, body: ReadoutWish) -> Response:
    """A readout by hand."""
    state = web.state()
    now = state.clock()
    as_of = body.as_of or now
    if as_of > now:
        raise invalid("as_of", as_of.isoformat(), "a time that is past", "Leave it out for now.")
    with state.database.read() as session:
        environment = load_environment(session, env)
    row = read_by_hand(state, environment, key, as_of)
    with state.database.write() as session:
        record(
            session,
            web.actor(),
            "readout.create",
            f"experiment:{key}",
            after={"readout": row.id, "as_of": as_of.isoformat()},
            environment_id=environment.id,
        )
    return web.answer(_view(row), status=201)


@blueprint.get("/readouts/<int:readout_id>")
@blueprint.output(StoredReadoutView)
@blueprint.doc(summary="Read a stored readout in full")
@web.authorize("results.read")
def read_readout(readout_id: int) -> Response:
    """One readout; it never changes."""
    with web.state().database.read() as session:
        row = service.load(session, readout_id)
        experiment = session.get_one(Experiment, row.experiment_id)
    web.require_environment(experiment.environment_id)
    return web.answer(_view(row))


@blueprint.get("/environments/<env>/questions")
@blueprint.output(AnswersView)
@blueprint.doc(summary="The five questions, answered from the lake")
@web.authorize("results.read")
def read_questions(env: str) -> Response:
    """Who returns, what keeps them, where they stop, what rewards do, who does better at work."""
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
    return web.answer(answer_questions(state, environment, state.clock()).to_json())


def _view(row: StoredReadout) -> dict[str, Any]:
    return {**service.summary(row), "plan": row.plan, "readout": row.body}


def _id(environment: Environment) -> int:
    if environment.id is None:
        raise ValueError(f"environment {environment.key!r} is not stored yet")
    return environment.id
