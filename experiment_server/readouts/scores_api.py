"""The Energize Score, for programs. It is read from the lake, so its routes are here."""

from datetime import datetime
from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from analysis.results import NotEstimable
from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.ingest.place import open_lake
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.problems import Problem
from experiment_server.scores import service
from experiment_server.scores.models import ScoreVersion
from experiment_server.security.rate_limits import limited
from experiment_server.times import BoundedTime
from experiment_server.web import Body

blueprint = APIBlueprint(
    "scores", __name__, url_prefix="/api/v1/environments/<env>", tag="Energize Score"
)


TRIALS: Final = "60/minute"  # each reads two windows of the lake


class Calibration(Body):
    """What to measure the scale on."""

    until: BoundedTime | None = Field(
        default=None, description="End of the calibration window; left out: now."
    )
    window_days: int = Field(default=28, ge=7, le=91)


class Trial(Body):
    """What to try a version on."""

    until: BoundedTime | None = Field(
        default=None, description="End of the window that is to be foreseen; left out: now."
    )


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
    return web.answer(_view(calibrate_now(env, body.until, body.window_days)), status=201)


@blueprint.get("/score-versions/<version>")
@blueprint.output(ScoreVersionView)
@blueprint.doc(summary="Read a calibration of the score")
@web.authorize("results.read")
def read_version(env: str, version: str) -> Response:
    """One calibration, with how well it foresees who returns once that was tried."""
    with web.state().database.read() as session:
        found = service.load_version(session, load_environment(session, env), version)
    return web.answer(_view(found))


@blueprint.post("/score-versions/<version>/validation")
@blueprint.output(ScoreVersionView)
@blueprint.doc(
    summary="Try a calibration of the score",
    description="Whether the score of the window before last told who was still there at the end "
    "of the last one, better than active days or logins alone: AUC, Brier score, calibration. "
    "The scale itself stays as it is.",
)
@web.authorize("results.compute")
@limited(TRIALS)
def validate_version(env: str, version: str) -> Response:
    """Try a version, and keep what was found."""
    body = web.optional_body(Trial)
    return web.answer(_view(validate_now(env, version, body.until)))


def calibrate_now(env: str, until: datetime | None, window_days: int) -> ScoreVersion:
    """Measure a scale on what learners did before a time (None: now), and store it.

    Raises:
        Problem: 404; 422, when the time is to come, or the history does not fill the window.
    """
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
    lake = open_lake(state, environment, fresh=True)
    now = state.clock()
    norms = service.find_norms(lake, until or now, window_days, now=now)
    with state.database.write() as session:
        return service.store_norms(session, web.actor(), environment, norms, state.clock())


def validate_now(env: str, version: str, until: datetime | None) -> ScoreVersion:
    """Try a version on the two windows before a time (None: now), and keep what was found.

    Raises:
        Problem: 404; 422, when there is too little to try it on.
    """
    # Only trials need it, and it would cost every start of the server its time.
    from analysis.energize.validity import validate

    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
        norms = service.load_norms(session, environment, version)
    lake = open_lake(state, environment, fresh=True)
    found = validate(lake, norms, until or state.clock())
    if isinstance(found, NotEstimable):
        raise Problem(422, f"The version cannot be tried: {found.reason} {found.remedy}")
    with state.database.write() as session:
        return service.keep_validation(session, web.actor(), environment, version, found.to_json())


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
