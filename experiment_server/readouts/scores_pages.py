"""The page of the Energize Score's versions: what each measures, and whether it earns its name."""

from collections import Counter
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from sqlmodel import Session
from werkzeug.wrappers import Response as AnyResponse

from dashboards.metric_views import (
    CalibrationInfo,
    ForeseeInfo,
    ScoreComponent,
    ScoresView,
    ScoreVersionInfo,
    ValidationInfo,
)
from experiment_server import pages, web
from experiment_server.environments.models import Environment
from experiment_server.environments.service import load_environment
from experiment_server.experiments.service import list_experiments
from experiment_server.problems import Problem
from experiment_server.readouts.scores_api import calibrate_now, validate_now
from experiment_server.scores import service
from experiment_server.scores.models import ScoreVersion

blueprint = APIBlueprint("scores_pages", __name__, enable_openapi=False)
PAGE = "scores_pages.show_scores"


@blueprint.get("/scores/<env>")
@web.authorize("results.read")
def show_scores(env: str) -> Response:
    """Every version of the score, the newest first."""
    return pages.show(_view(env))


@blueprint.post("/scores/<env>/calibrate")
@web.authorize("results.compute")
def calibrate(env: str) -> AnyResponse:
    """A new version, from what learners did until now."""
    try:
        calibrate_now(env, None, service.DEFAULT_WINDOW_DAYS)
    except Problem as problem:
        return _refused(env, problem)
    return pages.go(PAGE, notice="score-calibrated", env=env)


@blueprint.post("/scores/<env>/validate")
@web.authorize("results.compute")
def validate(env: str) -> AnyResponse:
    """Try a version on the last two windows."""
    try:
        validate_now(env, request.form.get("score_version", "")[: web.MAX_QUERY_TEXT], None)
    except Problem as problem:
        return _refused(env, problem)
    return pages.go(PAGE, notice="score-validated", env=env)


def _refused(env: str, problem: Problem) -> Response:
    if problem.status != 422:
        raise problem
    return pages.show(_view(env, problem.detail), problem.status)


def _view(env: str, problem: str = "") -> ScoresView:
    with web.state().database.read() as session:
        environment = load_environment(session, env)
        used = _used(session, environment)
        return ScoresView(
            navigation=pages.frame(session, environment, "scores"),
            versions=tuple(
                _version(one, used[one.version])
                for one in service.list_versions(session, environment)
            ),
            may_calibrate=web.actor().may("results.compute"),
            problem=problem,
        )


def _used(session: Session, environment: Environment) -> Counter[str]:
    found = list_experiments(session, int(environment.id or 0))
    return Counter(one.score_version for one in found if one.score_version)


def _version(row: ScoreVersion, n_experiments: int) -> ScoreVersionInfo:
    norms = service.norms_of(row)
    return ScoreVersionInfo(
        version=row.version,
        created_at=row.created_at,
        calibrated_from=norms.calibrated_from,
        calibrated_to=norms.calibrated_to,
        n_learners=norms.n_learners,
        window_days=norms.window_days,
        components=tuple(
            ScoreComponent(
                name,
                norms.weights[name],
                ", ".join(
                    f"{norms.half_saturation[part]:g} {part.replace('_', ' ')}"
                    for part in norms.parts(name)
                ),
            )
            for name in norms.components
        ),
        validation=None if row.validation is None else _validation(row.validation),
        n_experiments=n_experiments,
    )


def _validation(found: dict[str, Any]) -> ValidationInfo:
    return ValidationInfo(
        sentence=found["sentence"],
        beats=all(each["low"] > 0 for each in found["comparisons"]),
        n_learners=found["n"],
        base_rate=found["base_rate"],
        brier_base=found["brier_base"],
        scored_from=found["scored_from"],
        scored_to=found["scored_to"],
        predictors=tuple(
            ForeseeInfo(
                each["title"], each["auc"], each["auc_low"], each["auc_high"], each["brier"]
            )
            for each in (found["score"], *found["baselines"])
        ),
        calibration=tuple(
            CalibrationInfo(each["predicted"], each["observed"], each["n"])
            for each in found["calibration"]
        ),
    )
