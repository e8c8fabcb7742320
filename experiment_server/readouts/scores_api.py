"""The Energize Score, for programs. It is read from the lake, so its routes are here."""

from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import AwareDatetime, BaseModel, Field

from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.ingest.place import open_lake
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.scores import service
from experiment_server.scores.models import ScoreVersion
from experiment_server.web import Body

blueprint = APIBlueprint(
    "scores", __name__, url_prefix="/api/v1/environments/<env>", tag="Energize Score"
)


class Calibration(Body):
    """What to measure the scale on."""

    until: AwareDatetime | None = Field(
        default=None, description="End of the calibration window; left out: now."
    )
    window_days: int = Field(default=28, ge=7, le=91)


class ScoreVersionView(BaseModel):
    """One frozen calibration."""

    version: str
    norms: dict[str, Any]
    validation: dict[str, Any] | None
    created_at: datetime


class ScoreVersionList(BaseModel):
    """Every calibration, newest first."""

    items: list[ScoreVersionView]
    next: int | None = None


@blueprint.get("/score-versions")
@blueprint.output(ScoreVersionList)
@blueprint.doc(summary="List the score's calibrations")
@web.authorize("results.read")
def list_versions(env: str) -> Response:
    """Every calibration of the environment, newest first."""
    with web.state().database.read() as session:
        versions = service.list_versions(session, load_environment(session, env))
    return web.listing([_view(version) for version in versions])


@blueprint.post("/score-versions")
@blueprint.input(Calibration, arg_name="body")
@blueprint.output(ScoreVersionView, status_code=201)
@blueprint.doc(summary="Calibrate the score")
@web.authorize("results.compute")
def create_version(env: str, body: Calibration) -> Response:
    """A new scale, from what learners did before a time; it never changes afterwards."""
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
    lake = open_lake(state, environment, fresh=True)
    norms = service.find_norms(lake, body.until or state.clock(), body.window_days)
    with state.database.write() as session:
        version = service.store_norms(session, web.actor(), environment, norms, state.clock())
    return web.answer(_view(version), status=201)


@blueprint.get("/learners/<learner>/score")
@blueprint.doc(summary="Why a learner has the score it has")
@web.authorize("results.read")
def explain_score(env: str, learner: str) -> Response:
    """One learner's score, component by component; ``learner`` is the id as the LMS sends it."""
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
        norms = service.require_norms(session, environment)
    pseudonym = Pseudonyms(environment.pseudonym_key).learner(learner)
    lake = open_lake(state, environment, fresh=False)
    return web.answer(service.explain(lake, norms, pseudonym, state.clock()).to_json())


def _view(version: ScoreVersion) -> ScoreVersionView:
    return ScoreVersionView(
        version=version.version,
        norms=version.norms,
        validation=version.validation,
        created_at=version.created_at,
    )
