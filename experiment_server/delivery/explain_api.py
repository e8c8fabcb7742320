""".../experiments/<key>/explain: why a learner is in an experiment or not."""

from typing import Annotated, Any, Final

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from assignment.explaining import Explanation, explain
from experiment_server import web
from experiment_server.delivery import held
from experiment_server.environments.service import load_environment
from experiment_server.experiments.models import Experiment
from experiment_server.experiments.service import load_experiment
from experiment_server.web import Body

blueprint = APIBlueprint(
    "explanations",
    __name__,
    url_prefix="/api/v1/environments/<env>/experiments",
    tag="Explanations",
)

NOT_LIVE: Final = {
    "draft": "The experiment is a draft: nobody is in it before it is started, and hosts get their "
    "own default. Only those who preview it see a variant.",
    "archived": "The experiment is archived: SDKs hear no more of it, and hosts get their own "
    "default.",
}
UNKNOWN: Final = "unknown_flag"


class ExplainBody(Body):
    """Who asks, as the host would describe them."""

    learner: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    attributes: dict[str, Any] = Field(
        default_factory=dict, max_length=200, description='such as {"role": "seller", "team": "t1"}'
    )


class ExplanationView(BaseModel):
    """Why somebody gets what they get."""

    experiment: str
    state: str
    variant: str | None
    payload: Any
    in_experiment: bool
    reason: str
    text: str
    details: list[str]


@blueprint.post("/<key>/explain")
@blueprint.input(ExplainBody, arg_name="body")
@blueprint.output(ExplanationView)
@blueprint.doc(
    summary="Say why a learner is in an experiment or not",
    description=(
        'Body: {"learner": "learner-1", "attributes": {"role": "seller"}}. Decided as SDKs decide '
        "at this moment; nothing is stored, and no exposure is logged."
    ),
)
@web.authorize("results.compute")
def explain_experiment(env: str, key: str, body: ExplainBody) -> Response:
    """In words."""
    asked = dict(body.attributes)
    if body.learner is not None:
        asked["id"] = body.learner
    with web.state().database.read() as session:
        environment_id = int(load_environment(session, env).id or 0)
        found = load_experiment(session, environment_id, key)
    rules = held.edition_of(environment_id).rules
    return web.answer(_view(found, explain(rules, key, asked)))


def _view(experiment: Experiment, told: Explanation) -> ExplanationView:
    answer, state = told.evaluation, experiment.state
    is_live = answer.reason != UNKNOWN
    return ExplanationView(
        experiment=experiment.key,
        state=state,
        variant=answer.variant,
        payload=answer.value,
        in_experiment=answer.in_experiment,
        reason=answer.reason if is_live else state,
        text=told.text if is_live else NOT_LIVE.get(state, told.text),
        details=list(told.details),
    )
