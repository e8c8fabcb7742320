"""The quarantine page: what waits, by cause, with replay and discard."""

from typing import Final

from apiflask import APIBlueprint
from flask import Response, request
from sqlmodel import Session
from werkzeug.wrappers import Response as AnyResponse

from dashboards.views import QuarantineCause, QuarantineItem, QuarantineView
from experiment_server import pages, web
from experiment_server.environments.models import Environment
from experiment_server.environments.service import load_environment
from experiment_server.problems import invalid
from experiment_server.quarantine import service
from experiment_server.quarantine.held import MAX_CAUSE, WAITING
from experiment_server.quarantine.models import QuarantinedItem
from experiment_server.quarantine.service import Chosen
from experiment_server.replays.service import discard as discard_chosen
from experiment_server.replays.service import replay as replay_chosen

blueprint = APIBlueprint("quarantine_pages", __name__, enable_openapi=False)

SHOWN_ITEMS: Final = 50
SHOWN_RAW: Final = 4_000  # characters of one thing
MAX_REASON: Final = 2_000


@blueprint.get("/quarantine/<env>")
@web.authorize("quarantine.read")
def show_quarantine(env: str) -> Response:
    """What waits in an environment's quarantine."""
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
        view = _view(session, environment, state.settings.quarantine_days)
    return pages.show(view)


@blueprint.post("/quarantine/<env>/replay")
@web.authorize("quarantine.write")
def replay(env: str) -> AnyResponse:
    """Send what failed alike through its parser again."""
    state = web.state()
    with state.database.read() as session:
        environment = load_environment(session, env)
    replay_chosen(state.database, web.actor(), environment, _chosen(), state.clock())
    return pages.go("quarantine_pages.show_quarantine", notice="replayed", env=env)


@blueprint.post("/quarantine/<env>/discard")
@web.authorize("quarantine.write")
def discard(env: str) -> AnyResponse:
    """Set aside what failed alike."""
    state = web.state()
    chosen, reason = _chosen(), _field("reason", MAX_REASON).strip()
    with state.database.write() as session:
        environment = load_environment(session, env)
        discard_chosen(session, web.actor(), environment, chosen, reason, state.clock())
    return pages.go("quarantine_pages.show_quarantine", notice="discarded", env=env)


def _chosen() -> Chosen:
    return Chosen(standard=_field("standard", 16), cause=_field("cause", MAX_CAUSE))


def _field(name: str, longest: int) -> str:
    """A form's text that must be there.

    Raises:
        Problem: 422, when it is missing, too long, or holds what no stored text can.
    """
    text = request.form.get(name, "")
    if not text.strip() or len(text) > longest or not text.isprintable():
        expected = f"printable text of 1 to {longest} characters"
        raise invalid(name, text, expected, "Load the page again and fill in the form.")
    return text


def _view(session: Session, environment: Environment, keep_days: int) -> QuarantineView:
    environment_id = int(environment.id or 0)
    navigation = pages.frame(session, environment, "quarantine")
    causes = service.count_causes(session, environment_id)
    items = service.list_items(session, environment_id, WAITING, Chosen(), SHOWN_ITEMS)
    return QuarantineView(
        navigation=navigation,
        n_waiting=service.count_waiting(session, environment_id),
        causes=tuple(QuarantineCause(**cause._asdict()) for cause in causes),
        items=tuple(_item(item) for item in items),
        keep_days=keep_days,
    )


def _item(item: QuarantinedItem) -> QuarantineItem:
    return QuarantineItem(
        id=int(item.id or 0),
        standard=item.standard,
        field=item.field,
        reason=item.reason,
        remedy=item.remedy,
        raw=item.raw[:SHOWN_RAW],
        is_whole=item.is_whole,
        times=item.times,
        received_at=item.received_at,
    )
