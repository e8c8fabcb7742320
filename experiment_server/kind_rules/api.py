"""/api/v1/environments/<env>/kind-rules: which kind of event an outside action is."""

from datetime import datetime

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.kind_rules import service
from experiment_server.kind_rules.models import KindRule
from experiment_server.kind_rules.table import ANY, BUILT_IN, SILENT, Rule
from experiment_server.web import Body

blueprint = APIBlueprint(
    "kind_rules", __name__, url_prefix="/api/v1/environments/<env>/kind-rules", tag="Kind rules"
)


class KindRuleBody(Body):
    """A rule."""

    standard: str = Field(max_length=16, description="xapi or caliper")
    action: str = Field(
        min_length=1,
        max_length=500,
        description="An xAPI verb's IRI, or a Caliper event's type and action: "
        "AssessmentEvent/Submitted",
    )
    about: str | None = Field(
        default=None,
        max_length=500,
        description="An activity type's IRI, a Caliper type, or one of course, module, "
        "assessment, question, discussion, video; null: about anything",
    )
    kind: str | None = Field(
        max_length=128, description="The kind of event, also custom:<name>; null: no event"
    )


class KindRuleView(BaseModel):
    """A rule as it holds."""

    id: int | None = Field(description="null: built in")
    standard: str
    action: str
    about: str | None
    kind: str | None
    updated_at: datetime | None


class KindRuleList(BaseModel):
    """The environment's own rules, then the built-in ones."""

    items: list[KindRuleView]
    next: int | None = None


@blueprint.get("")
@blueprint.output(KindRuleList)
@blueprint.doc(
    summary="List the kind rules",
    description="Own rules come first, here and when an action is looked up; id is null where a "
    "rule is built in.",
)
@web.authorize("definitions.read")
def list_kind_rules(env: str) -> Response:
    """Own and built-in rules."""
    with web.state().database.read() as session:
        place = load_environment(session, env)
        own = service.list_rules(session, int(place.id or 0))
    return web.listing([*map(_view, own), *map(_built_in, BUILT_IN)])


@blueprint.put("")
@blueprint.input(KindRuleBody, arg_name="body")
@blueprint.output(KindRuleView)
@blueprint.doc(
    summary="Add or change a kind rule",
    description="The same standard, action and about again changes the kind. It holds for what "
    "arrives from now on; what waits in quarantine can be replayed.",
)
@web.authorize("environments.write")
def put_kind_rule(env: str, body: KindRuleBody) -> Response:
    """Add or change."""
    state = web.state()
    wish = {**body.model_dump(), "about": body.about or ANY, "kind": body.kind or SILENT}
    with state.database.write() as session:
        place = load_environment(session, env)
        shown = _view(service.put_rule(session, web.actor(), place, wish, state.clock()))
    return web.answer(shown)


@blueprint.delete("/<int:rule_id>")
@blueprint.output({}, status_code=204)
@blueprint.doc(summary="Delete a kind rule", description="The built-in one, if any, holds again.")
@web.authorize("environments.write")
def delete_kind_rule(env: str, rule_id: int) -> tuple[str, int]:
    """Delete one of the environment's own."""
    with web.state().database.write() as session:
        place = load_environment(session, env)
        service.delete_rule(session, web.actor(), place, web.row_id(rule_id))
    return "", 204


def _view(rule: KindRule) -> KindRuleView:
    return KindRuleView(
        id=rule.id,
        standard=rule.standard,
        action=rule.action,
        about=rule.about or None,
        kind=rule.kind or None,
        updated_at=rule.updated_at,
    )


def _built_in(rule: Rule) -> KindRuleView:
    return KindRuleView(
        id=None,
        standard=rule.standard,
        action=rule.action,
        about=rule.about or None,
        kind=rule.kind or None,
        updated_at=None,
    )
