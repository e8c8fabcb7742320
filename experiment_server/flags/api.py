"""/api/v1/flags: definitions, and their switch and rules in each environment."""

from typing import Any, Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field, StrictBool, field_validator
from sqlmodel import Session

from experiment_server import web
from experiment_server.environments.models import Environment
from experiment_server.environments.service import list_environments, load_environment
from experiment_server.flags import service
from experiment_server.flags.changes import FlagChange
from experiment_server.flags.models import Flag, FlagEnvironment
from experiment_server.web import Body, Key

blueprint = APIBlueprint("flags", __name__, url_prefix="/api/v1/flags", tag="Flags")

Place = tuple[Environment, dict[int, FlagEnvironment]]  # by the flag's id


class NewFlagBody(Body):
    """A new flag."""

    key: Key
    title: str = Field(min_length=1, max_length=200)
    description: str = Field(default="", max_length=2000)
    value_type: Literal["boolean", "string", "number", "json"] = "boolean"
    default_value: Any = False
    server_only: StrictBool = Field(
        default=False, description="true: client keys never learn of this flag"
    )


class FlagBody(Body):
    """What of a flag can change; what is left out stays as it is."""

    title: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=2000)
    default_value: Any = None
    server_only: StrictBool | None = None

    @field_validator("title", "description", "server_only")
    @classmethod
    def _is_given(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("a value; leave the field out to keep what is there")
        return value


class RuleBody(Body):
    """Who gets which value; the first rule that matches decides."""

    title: str = Field(default="", max_length=200)
    condition: dict[str, Any] = Field(default_factory=dict)
    value: Any
    coverage: float | None = Field(default=None, ge=0, le=1)


class FlagEnvironmentBody(Body):
    """A flag's switch and rules in one environment."""

    enabled: StrictBool
    rules: list[RuleBody] = Field(default_factory=list, max_length=100)


class FlagEnvironmentView(BaseModel):
    """A flag's stored switch and rules in one environment."""

    enabled: bool
    rules: list[dict[str, Any]]
    version: int


class FlagView(BaseModel):
    """A stored flag."""

    key: str
    title: str
    description: str
    value_type: str
    default_value: Any
    server_only: bool
    archived: bool
    version: int
    environments: dict[str, FlagEnvironmentView]


class FlagList(BaseModel):
    """Every flag that is not archived."""

    items: list[FlagView]
    next: int | None = None


@blueprint.get("")
@blueprint.output(FlagList)
@blueprint.doc(summary="List the flags")
@web.authorize("definitions.read")
def list_flags() -> Response:
    """Every flag, by key."""
    with web.state().database.read() as session:
        places = _visible_places(session)
        views = [_view(flag, places) for flag in service.list_flags(session)]
    return web.listing(views)


@blueprint.post("")
@blueprint.input(NewFlagBody, arg_name="body")
@blueprint.output(FlagView, status_code=201)
@blueprint.doc(summary="Define a flag", description="It is off in every environment at first.")
@web.authorize("definitions.write")
def create_flag(body: NewFlagBody) -> Response:
    """A new flag."""
    state = web.state()
    values = body.model_dump(exclude={"key"})
    with state.database.write() as session:
        flag = service.create_flag(session, web.actor(), body.key, values, state.clock())
        shown = _view(flag, _visible_places(session))
    return web.answer(shown, status=201, version=flag.version)


@blueprint.get("/<key>")
@blueprint.output(FlagView)
@blueprint.doc(summary="Read a flag")
@web.authorize("definitions.read")
def read_flag(key: str) -> Response:
    """One flag; its version is the ETag."""
    with web.state().database.read() as session:
        flag = service.load_flag(session, key)
        shown = _view(flag, _visible_places(session))
    return web.answer(shown, version=flag.version)


@blueprint.patch("/<key>")
@blueprint.input(FlagBody, arg_name="body")
@blueprint.output(FlagView)
@blueprint.doc(summary="Change a flag", description="Needs If-Match with the version you read.")
@web.authorize("definitions.write")
def change_flag(key: str, body: FlagBody) -> Response:
    """Change a flag's title, description or default value."""
    version, state = web.if_match(), web.state()
    values = body.model_dump(exclude_unset=True)
    with state.database.write() as session:
        flag = service.load_flag(session, key)
        service.change_flag(session, web.actor(), flag, version, values, state.clock())
        shown = _view(flag, _visible_places(session))
    return web.answer(shown, version=flag.version)


@blueprint.post("/<key>/archive")
@blueprint.output(FlagView)
@blueprint.doc(summary="Archive a flag", description="It leaves every payload.")
@web.authorize("definitions.write")
def archive_flag(key: str) -> Response:
    """Archive a flag."""
    state = web.state()
    with state.database.write() as session:
        flag = service.load_flag(session, key)
        service.archive_flag(session, web.actor(), flag, state.clock())
        shown = _view(flag, _visible_places(session))
    return web.answer(shown, version=flag.version)


@blueprint.get("/<key>/environments/<env>")
@blueprint.output(FlagEnvironmentView)
@blueprint.doc(summary="Read a flag's switch and rules in one environment")
@web.authorize("definitions.read")
def read_flag_environment(key: str, env: str) -> Response:
    """The switch and rules; the version, 0 before the first setting, is the ETag."""
    with web.state().database.read() as session:
        flag = service.load_flag(session, key)
        place = service.load_flag_environment(session, flag, load_environment(session, env))
    return web.answer(service.plain_place(place), version=place.version)


@blueprint.put("/<key>/environments/<env>")
@blueprint.input(FlagEnvironmentBody, arg_name="body")
@blueprint.output(FlagEnvironmentView)
@blueprint.doc(
    summary="Set a flag's switch and rules in one environment",
    description='Needs If-Match with the version you read; the first time that is "0".',
)
@web.authorize("definitions.write")
def set_flag_environment(key: str, env: str, body: FlagEnvironmentBody) -> Response:
    """Set the switch and rules."""
    version, state = web.if_match(), web.state()
    rules = [rule.model_dump() for rule in body.rules]
    change = FlagChange(version=version, enabled=body.enabled, rules=rules, now=state.clock())
    with state.database.write() as session:
        flag = service.load_flag(session, key)
        environment = load_environment(session, env)
        place = service.set_flag_environment(session, web.actor(), flag, environment, change)
    return web.answer(service.plain_place(place), version=place.version)


def _visible_places(session: Session) -> list[Place]:
    own = web.actor().environment_id
    return [
        (each, service.list_flag_environments(session, int(each.id or 0)))
        for each in list_environments(session)
        if own in (None, each.id)
    ]


def _view(flag: Flag, places: list[Place]) -> FlagView:
    shown = {}
    for environment, set_here in places:
        place = set_here.get(int(flag.id or 0))
        place = place or service.unset_flag_environment(flag, environment)
        shown[environment.key] = FlagEnvironmentView(**service.plain_place(place))
    return FlagView(**service.plain(flag), environments=shown)
