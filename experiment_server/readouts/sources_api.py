"""/api/v1/environments/<env>/sources/<key>/validate and /preview: looking at a source's tables."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.readouts import source_checks
from experiment_server.security import rate_limits
from experiment_server.web import Body, Key

blueprint = APIBlueprint(
    "source_checks", __name__, url_prefix="/api/v1/environments/<env>/sources", tag="Source checks"
)


class ForExperimentBody(Body):
    """Whose eyes to look with."""

    experiment: Key | None = Field(
        default=None, description="compare variants, units and times with this experiment's"
    )


class FindingView(BaseModel):
    """One thing that a validation found."""

    code: str = Field(description="a row of docs/howto/warehouse.md")
    severity: str = Field(description="error: readouts fail or are wrong; warning; note")
    field: str = Field(description="of the mapping")
    sentence: str
    remedy: str


class ValidationView(BaseModel):
    """Everything that a validation found, the worst first."""

    at: str
    version: int = Field(description="of the source")
    experiment: str
    findings: list[FindingView]


class PreviewView(BaseModel):
    """The first rows of each table as a readout would see them; ids are masked."""

    exposures: list[dict[str, Any]] = Field(default_factory=list)
    events: list[dict[str, Any]] = Field(default_factory=list)
    learners: list[dict[str, Any]] = Field(default_factory=list)


@blueprint.post("/<key>/validate")
@blueprint.output(ValidationView)
@blueprint.doc(
    summary="Validate a source",
    description="Reads aggregates of the mapped tables and says what does not fit. What it finds "
    'is an answer, not a failure. Optional body: {"experiment": "weekly-quest"}.',
)
@web.authorize("results.compute")
@rate_limits.limited(rate_limits.WAREHOUSE)
def validate_source(env: str, key: str) -> Response:
    """Look whether the tables say what the mapping says."""
    body, state = web.optional_body(ForExperimentBody), web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
    found = source_checks.validate_source(state, web.actor(), environment, key, body.experiment)
    return web.answer(found)


@blueprint.post("/<key>/preview")
@blueprint.output(PreviewView)
@blueprint.doc(
    summary="Preview a source",
    description="At most five rows of each table, learners and teams masked. Optional body: "
    '{"experiment": "weekly-quest"}.',
)
@web.authorize("results.compute")
@rate_limits.limited(rate_limits.WAREHOUSE)
def preview_source(env: str, key: str) -> Response:
    """A few rows."""
    body, state = web.optional_body(ForExperimentBody), web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
    found = source_checks.preview_source(state, web.actor(), environment, key, body.experiment)
    return web.answer(PreviewView(**found))
