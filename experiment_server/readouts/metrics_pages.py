"""The pages of metrics: the list, one with its preview and versions, and the form."""

from collections.abc import Sequence
from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response, request
from sqlmodel import Session
from werkzeug.wrappers import Response as AnyResponse

from analysis.kinds import KINDS
from analysis.previewed import Preview
from analysis.results import NotEstimable
from dashboards.metric_views import FieldGroup, MetricFormView, MetricsView, MetricView, PreviewView
from experiment_server import pages, web
from experiment_server.environments.models import Environment
from experiment_server.environments.service import load_environment
from experiment_server.metrics import form, service
from experiment_server.metrics.checks import value_errors
from experiment_server.problems import FieldError, Problem
from experiment_server.readouts import metrics_shown as shown
from experiment_server.readouts.metric_previews import preview_metric, remembered_preview
from experiment_server.readouts.metric_previews_api import PREVIEWS
from experiment_server.security.rate_limits import limited

blueprint = APIBlueprint("metrics_pages", __name__, enable_openapi=False)

KNOWN_KINDS: Final = (*(kind.name for kind in KINDS), "custom:<name>", "outcome:<name>")
UNFIT: Final = "Nothing was stored yet: look at the fields that are marked."


@blueprint.get("/metrics/<env>")
@web.authorize("definitions.read")
def list_metrics(env: str) -> Response:
    """Every metric."""
    with web.state().database.read() as session:
        environment = load_environment(session, env)
        view = MetricsView(
            navigation=pages.frame(session, environment, "metrics"),
            metrics=shown.metric_rows(session, environment),
            may_write=web.actor().may("definitions.write"),
        )
    return pages.show(view)


@blueprint.get("/metrics/<env>/_new")
@web.authorize("definitions.write")
def new_metric(env: str) -> Response:
    """An empty form."""
    with web.state().database.read() as session:
        place = load_environment(session, env)
        view = _form(session, place, None, form.groups_of(form.DEFAULTS, is_new=True))
    return pages.show(view)


@blueprint.post("/metrics/<env>/_new")
@web.authorize("definitions.write")
@limited(PREVIEWS)
def create_metric(env: str) -> AnyResponse:
    """Store a new metric, or show what it would have been."""
    typed = form.read_form(request.form, is_new=True)
    if request.form.get("act") == "preview":
        return _previewed(env, None, typed)
    state = web.state()
    try:
        values = _fitting(typed)
        key = values.pop("key")
        with state.database.write() as session:
            service.create_metric(session, web.actor(), key, values, state.clock())
    except Problem as problem:
        return _refused(env, None, typed, problem)
    return pages.go("metrics_pages.show_metric", notice="metric-made", env=env, key=key)


@blueprint.get("/metrics/<env>/<key>")
@web.authorize("definitions.read")
@limited(PREVIEWS)
def show_metric(env: str, key: str) -> Response:
    """One metric; with ``?preview=yes`` what it would have been last month."""
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
        metric = service.load_metric(session, key)
        navigation = pages.frame(session, environment, "metrics")
        row = shown.metric_row(session, environment, metric)
        versions = shown.versions(session, metric)
        uses = shown.uses(session, environment, key)
    values = service.plain(metric)
    look = preview_metric if request.args.get("preview") == "yes" else remembered_preview
    found = look(state, environment, values, state.clock())
    return pages.show(
        MetricView(
            navigation=navigation,
            metric=row,
            facts=shown.facts(values),
            preview=PreviewView(metric.title, metric.unit_label, found),
            versions=versions,
            uses=uses,
            may_write=web.actor().may("definitions.write"),
        )
    )


@blueprint.get("/metrics/<env>/<key>/change")
@web.authorize("definitions.write")
def edit_metric(env: str, key: str) -> Response:
    """The form with what the metric is now."""
    with web.state().database.read() as session:
        place = load_environment(session, env)
        metric = service.load_metric(session, key)
        texts = form.texts_of(service.plain(metric))
        view = _form(session, place, key, form.groups_of(texts, is_new=False), metric.version)
    return pages.show(view)


@blueprint.post("/metrics/<env>/<key>/change")
@web.authorize("definitions.write")
@limited(PREVIEWS)
def change_metric(env: str, key: str) -> AnyResponse:
    """Store a new version, unless somebody else did so since the form was shown."""
    typed = form.read_form(request.form, is_new=False)
    version = pages.form_version()
    if request.form.get("act") == "preview":
        return _previewed(env, key, typed)
    state = web.state()
    try:
        values = _fitting(typed)
        with state.database.write() as session:
            metric = service.load_metric(session, key)
            service.change_metric(session, web.actor(), metric, version, values, state.clock())
    except Problem as problem:
        return _refused(env, key, typed, problem)
    return pages.go("metrics_pages.show_metric", notice="metric-changed", env=env, key=key)


def _fitting(typed: form.Typed) -> dict[str, Any]:
    """The definition that was typed.

    Raises:
        Problem: 422, naming what does not fit.
    """
    if typed.values is None:
        raise Problem(422, UNFIT, typed.errors)
    errors = value_errors(typed.values)
    if errors:
        raise Problem(422, UNFIT, errors)
    return dict(typed.values)


def _refused(env: str, key: str | None, typed: form.Typed, problem: Problem) -> Response:
    """The form again, with what was typed and why it was not stored."""
    if problem.status not in (409, 412, 422):
        raise problem
    with web.state().database.read() as session:
        place = load_environment(session, env)
        groups = form.groups_of(typed.texts, problem.errors, is_new=key is None)
        said, version = problem.detail, 0
        if problem.status == 422:
            said = UNFIT
        if key is not None:
            current = service.load_metric(session, key)
            version = pages.form_version()
            if problem.status == 412:
                said = shown.meanwhile(session, current, version)
                version = current.version
        view = _form(session, place, key, groups, version, said)
    return pages.show(view, problem.status)


def _previewed(env: str, key: str | None, typed: form.Typed) -> Response:
    """The form again, with what the metric would have been."""
    state = web.state()
    errors: Sequence[FieldError] = ()
    found: Preview | NotEstimable | None = None
    try:
        values = _fitting(typed)
    except Problem as problem:
        errors = problem.errors
    else:
        with state.database.read() as session:
            place = load_environment(session, env)
        values.pop("key", None)
        found = preview_metric(state, place, values, state.clock())
    texts = typed.texts
    with state.database.read() as session:
        place = load_environment(session, env)
        groups = form.groups_of(texts, errors, is_new=key is None)
        version = 0 if key is None else pages.form_version()
        view = _form(session, place, key, groups, version, UNFIT if errors else "")
    shown_preview = PreviewView(texts["title"], texts["unit_label"], found) if found else None
    return pages.show(shown.with_preview(view, shown_preview), 422 if errors else 200)


def _form(
    session: Session,
    environment: Environment,
    key: str | None,
    groups: tuple[FieldGroup, ...],
    version: int = 0,
    problem: str = "",
) -> MetricFormView:
    title = "New metric" if key is None else f"Change {service.load_metric(session, key).title}"
    return MetricFormView(
        navigation=pages.frame(session, environment, "metrics"),
        key=key or "",
        title=title,
        version=version,
        groups=groups,
        known_kinds=KNOWN_KINDS,
        problem=problem,
    )
