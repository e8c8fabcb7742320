"""What is kept of one learner, for admins. It is read from the lake, so its route is here."""

from datetime import date, datetime
from typing import Final

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from experiment_server import web
from experiment_server.audit.service import record
from experiment_server.environments.service import load_environment
from experiment_server.ingest.place import open_lake
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.problems import Problem
from experiment_server.security.rate_limits import limited

ONE_BY_ONE: Final = "30/minute"  # for questions about somebody, not for reading out everybody

blueprint = APIBlueprint(
    "learners", __name__, url_prefix="/api/v1/environments/<env>/learners", tag="Learners"
)


class StatementView(BaseModel):
    """What was said of the learner at one time; null: nothing was said of that."""

    said_by: str = Field(description="`description`, or the experiment whose exposure said it")
    at: datetime = Field(description="From when it holds")
    received_at: datetime
    role: str | None
    region: str | None
    team: str | None = Field(description="A pseudonym, as the lake has it")
    manager: str | None = Field(description="A pseudonym")
    started_on: date | None


class LearnerHistory(BaseModel):
    """Everything that was said of one learner, the earliest first."""

    learner: str = Field(description="Its pseudonym")
    statements: list[StatementView]


@blueprint.get("/<learner>/attributes")
@blueprint.output(LearnerHistory)
@blueprint.doc(
    summary="Read a learner's attributes with their history",
    description="Role, region, team, manager and first working day, as descriptions and exposures "
    "told them. `learner` is the id as the LMS sends it. Each request is written into the audit "
    "log, under the learner's pseudonym.",
)
@web.authorize("learners.read")
@limited(ONE_BY_ONE)
def read_attributes(env: str, learner: str) -> Response:
    """Why a learner is in the segments that it is in."""
    # The engine costs every start of the server its time: only this question needs it.
    from analysis.learners import statements_about

    state = web.state()
    with state.database.write() as session:
        environment = load_environment(session, env)
        pseudonym = Pseudonyms(environment.pseudonym_key).learner(learner)
        record(
            session,
            web.actor(),
            "learner.read",
            f"learner:{pseudonym}",
            environment_id=environment.id,
        )
    found = statements_about(open_lake(state, environment, fresh=False), pseudonym)
    if not found:
        raise Problem(
            404,
            "Nothing was said of this learner. Check the id (as your LMS sends it) and the "
            "environment; what was received a moment ago may still be on its way to the lake.",
        )
    statements = [StatementView(**vars(each)) for each in found]
    return web.answer(LearnerHistory(learner=pseudonym, statements=statements))
