"""What all pages share: the frame around them, notices, the page of a problem."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response, redirect, request, url_for
from sqlmodel import Session
from werkzeug.wrappers import Response as AnyResponse

from dashboards import render
from dashboards.metric_views import MetricPage
from dashboards.views import EnvironmentLink, ErrorView, MemberInfo, Navigation, Section, View
from dashboards.words import NOTICES
from experiment_server import web
from experiment_server.environments.models import Environment
from experiment_server.environments.service import list_environments
from experiment_server.problems import Problem
from experiment_server.quarantine.service import count_waiting


def show(view: View | MetricPage, status: int = 200) -> Response:
    """A view as an answer."""
    return Response(render(view), status=status, mimetype="text/html")


def frame(session: Session, environment: Environment, section: Section) -> Navigation:
    """What surrounds a page of one environment."""
    own = web.actor().environment_id
    places = [place for place in list_environments(session) if own in (None, place.id)]
    framed = _frame(places, environment.key, section)
    if not web.actor().may("quarantine.read"):
        return framed
    return replace(framed, n_quarantined=count_waiting(session, int(environment.id or 0)))


def plain_frame() -> Navigation:
    """What surrounds a page that belongs to no environment; it asks no database."""
    return _frame((), "", "")


def go(endpoint: str, notice: str = "", **values: str) -> AnyResponse:
    """To another page of ours, which says what was done; ``notice`` is a row of words.NOTICES."""
    query = f"?notice={notice}" if notice else ""
    return redirect(url_for(endpoint, _external=False, **values) + query, code=303)


def form_version() -> int:
    """The version that the form was filled in for.

    Raises:
        Problem: 400, when the form carries none.
    """
    text = request.form.get("version", "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Problem(400, "The form carries no version. Load the page again and send it again.")
    return int(text)


def problem_page(body: dict[str, Any]) -> str:
    """A problem for a person to read."""
    errors = [f"{error['field']}: {error['remedy']}" for error in body.get("errors", ())]
    return render(
        ErrorView(
            navigation=plain_frame(),
            status=body["status"],
            title=body["title"],
            detail=" ".join([body["detail"], *errors]),
            request_id=body.get("request_id", ""),
        )
    )


def _frame(places: Sequence[Environment], environment: str, section: Section) -> Navigation:
    actor = web.maybe_actor()
    member = MemberInfo(actor.title, actor.role or actor.key_kind or "") if actor else None
    return Navigation(
        member=member,
        environments=tuple(EnvironmentLink(place.key, place.title) for place in places),
        environment=environment,
        section=section,
        csrf_token=web.csrf_token(),
        notice=NOTICES.get(request.args.get("notice", ""), ""),
        server_url=request.host_url.rstrip("/"),
    )
