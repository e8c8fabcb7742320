"""Starting, pausing and stopping an experiment from its page."""

from collections.abc import Callable

from apiflask import APIBlueprint
from flask import request
from sqlmodel import Session
from werkzeug.wrappers import Response as AnyResponse

from experiment_server import pages, web
from experiment_server.environments.service import load_environment
from experiment_server.experiments import changes, service
from experiment_server.experiments.models import Experiment

blueprint = APIBlueprint("experiments_pages", __name__, enable_openapi=False)

Act = Callable[[Session, Experiment], None]
PAGE = "readouts_pages.show_experiment"
MAX_REASON = 2000


@blueprint.post("/experiments/<env>/<key>/start")
@web.authorize("experiments.run")
def start_experiment(env: str, key: str) -> AnyResponse:
    """Begin a phase."""
    clock = web.state().clock

    def start(session: Session, found: Experiment) -> None:
        service.start_experiment(session, web.actor(), found, clock())

    return _act(env, key, "started", start)


@blueprint.post("/experiments/<env>/<key>/stop")
@web.authorize("experiments.run")
def stop_experiment(env: str, key: str) -> AnyResponse:
    """End the running phase."""
    clock = web.state().clock
    reason = _reason()
    rule, _, variant = request.form.get("after", "").partition(":")
    after = {"rule": rule, "variant": variant or None}

    def stop(session: Session, found: Experiment) -> None:
        service.stop_experiment(session, web.actor(), found, reason, clock(), after)

    return _act(env, key, "stopped", stop)


@blueprint.post("/experiments/<env>/<key>/pause")
@web.authorize("experiments.run")
def pause_experiment(env: str, key: str) -> AnyResponse:
    """Stand still."""
    clock, reason = web.state().clock, _reason()

    def pause(session: Session, found: Experiment) -> None:
        changes.pause_experiment(session, web.actor(), found, reason, clock())

    return _act(env, key, "paused", pause)


@blueprint.post("/experiments/<env>/<key>/resume")
@web.authorize("experiments.run")
def resume_experiment(env: str, key: str) -> AnyResponse:
    """Go on."""
    clock = web.state().clock

    def resume(session: Session, found: Experiment) -> None:
        changes.resume_experiment(session, web.actor(), found, clock())

    return _act(env, key, "resumed", resume)


def _reason() -> str:
    return request.form.get("reason", "").strip()[:MAX_REASON]


def _act(env: str, key: str, notice: str, act: Act) -> AnyResponse:
    """Do it, unless somebody changed the experiment since the form was shown."""
    version = pages.form_version()
    with web.state().database.write() as session:
        place = load_environment(session, env)
        found = service.load_experiment(session, int(place.id or 0), key)
        fresh = found.version == version
        if fresh:
            act(session, found)
    return pages.go(PAGE, notice=notice if fresh else "experiment-stale", env=env, key=key)
