"""The experiments list, one experiment's readout, the five questions."""

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from dashboards.views import ExperimentsView, QuestionsView, ReadoutView
from experiment_server import pages, web
from experiment_server.environments.service import list_environments, load_environment
from experiment_server.experiments import service as experiments
from experiment_server.experiments.lifecycle import possible_actions
from experiment_server.problems import Problem, not_found
from experiment_server.readouts import service, shown
from experiment_server.readouts.models import StoredReadout
from experiment_server.readouts.questions import answer_questions
from experiment_server.readouts.suggest import suggest_after

blueprint = APIBlueprint("readouts_pages", __name__, enable_openapi=False)


@blueprint.get("/")
@web.authorize("signed-in")
def first_page() -> AnyResponse:
    """To the experiments of the first environment that the caller may see."""
    own = web.actor().environment_id
    with web.state().database.read() as session:
        places = [place for place in list_environments(session) if own in (None, place.id)]
    if not places:
        raise Problem(404, "There is no environment yet. Add one: momentum environment add KEY")
    return pages.go("readouts_pages.list_experiments", env=places[0].key)


@blueprint.get("/experiments/<env>")
@web.authorize("results.read")
def list_experiments(env: str) -> Response:
    """Every experiment of an environment with its latest decision."""
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
        found = experiments.list_experiments(session, int(environment.id or 0))
        now = state.clock()
        view = ExperimentsView(
            navigation=pages.frame(session, environment, "experiments"),
            experiments=tuple(shown.summary(session, each, now) for each in found),
        )
    return pages.show(view)


@blueprint.get("/experiments/<env>/<key>")
@web.authorize("results.read")
def show_experiment(env: str, key: str) -> Response:
    """One experiment: the readout that speaks for it, or the look that ``?look=`` names."""
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
        experiment = experiments.load_experiment(session, int(environment.id or 0), key)
        stored = service.list_readouts(session, experiment, experiment.phase)
        chosen = _choose(list(stored))
        possible = possible_actions(experiment.state)
        may_run = web.actor().may("experiments.run")
        view = ReadoutView(
            navigation=pages.frame(session, environment, "experiments"),
            design=shown.design(session, experiment),
            readout=service.to_readout(chosen) if chosen else None,
            readout_id=chosen.id if chosen else None,
            history=tuple(service.to_readout(row) for row in stored if row.look is not None),
            next_look_at=shown.next_look_at(session, experiment),
            days_running=shown.days_running(session, experiment, state.clock()),
            may_start=may_run and "start" in possible,
            may_stop=may_run and "stop" in possible,
            may_pause=may_run and "pause" in possible,
            may_resume=may_run and "resume" in possible,
            days_paused=shown.days_paused(session, experiment, state.clock()),
            suggested_ship=(suggest_after(session, experiment) or {}).get("variant", ""),
        )
    return pages.show(view)


@blueprint.get("/questions/<env>")
@web.authorize("results.read")
def show_questions(env: str) -> Response:
    """The five questions."""
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
        navigation = pages.frame(session, environment, "questions")
    found = answer_questions(state, environment, state.clock())
    view = QuestionsView(
        navigation=navigation,
        answers=found.answers if "events" in found.lake_version else (),
        as_of=found.as_of,
        score_version=found.score_version,
        trust=shown.trust(found.validation),
    )
    return pages.show(view)


def _choose(stored: list[StoredReadout]) -> StoredReadout | None:
    wanted = request.args.get("look")
    if wanted is None:
        return service.headline(stored)
    found = next((row for row in stored if row.look is not None and str(row.look) == wanted), None)
    if found is None:
        raise not_found("look", wanted)
    return found
