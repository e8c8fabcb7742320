"""/api/v1/environments and their keys."""

from datetime import datetime
from typing import Annotated

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from experiment_server import web
from experiment_server.environments import service
from experiment_server.environments.models import ApiKey, Environment
from experiment_server.web import Body, Key

blueprint = APIBlueprint(
    "environments", __name__, url_prefix="/api/v1/environments", tag="Environments"
)


class NewEnvironmentBody(Body):
    """A new environment."""

    key: Key
    title: str = Field(default="", max_length=200)


class EnvironmentView(BaseModel):
    """A stored environment."""

    key: str
    title: str
    payload_version: int
    secret_attributes: list[str]
    secret_salt: str = Field(
        description="hash a secret attribute as SHA-256 of this and the value, in hexadecimal"
    )
    created_at: datetime


class EnvironmentList(BaseModel):
    """Every environment."""

    items: list[EnvironmentView]
    next: int | None = None


AttributeName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^$\x00][^\x00]*$")]


class SecretAttributesBody(Body):
    """Every attribute that is secret here; what is not listed is no longer."""

    items: list[AttributeName] = Field(max_length=100)


class NewKeyBody(Body):
    """A new API key."""

    kind: str = Field(max_length=20, description="server, client, encrypted or management")
    role: str | None = Field(default=None, max_length=20, description="of a management key")
    title: str = Field(min_length=1, max_length=200)


class KeyView(BaseModel):
    """An API key without its secret."""

    id: int
    kind: str
    role: str | None
    title: str
    prefix: str
    created_at: datetime
    revoked_at: datetime | None
    decryption_key: str | None = Field(
        default=None, description="of an encrypted key: what its SDKs decrypt the payload with"
    )


class NewKeyView(KeyView):
    """An API key at its making: the only time at which its secret is shown."""

    secret: str


class KeyList(BaseModel):
    """An environment's keys."""

    items: list[KeyView]
    next: int | None = None


@blueprint.get("")
@blueprint.output(EnvironmentList)
@blueprint.doc(summary="List the environments")
@web.authorize("definitions.read")
def list_environments() -> Response:
    """Every environment; a key sees its own."""
    own = web.actor().environment_id
    with web.state().database.read() as session:
        found = service.list_environments(session)
    return web.listing([_view(each) for each in found if own in (None, each.id)])


@blueprint.post("")
@blueprint.input(NewEnvironmentBody, arg_name="body")
@blueprint.output(EnvironmentView, status_code=201)
@blueprint.doc(summary="Create an environment")
@web.authorize("environments.write")
def create_environment(body: NewEnvironmentBody) -> Response:
    """A new environment."""
    web.require_unbound()
    state = web.state()
    title = body.title or body.key
    with state.database.write() as session:
        made = service.create_environment(session, web.actor(), body.key, title, state.clock())
    return web.answer(_view(made), status=201)


@blueprint.get("/<env>")
@blueprint.output(EnvironmentView)
@blueprint.doc(summary="Read an environment")
@web.authorize("definitions.read")
def read_environment(env: str) -> Response:
    """One environment."""
    with web.state().database.read() as session:
        return web.answer(_view(service.load_environment(session, env)))


@blueprint.put("/<env>/secret-attributes")
@blueprint.input(SecretAttributesBody, arg_name="body")
@blueprint.output(EnvironmentView)
@blueprint.doc(
    summary="Say which attributes are secret",
    description="Their values reach clients as salted hashes only; see docs/howto.",
)
@web.authorize("environments.write")
def set_secret_attributes(env: str, body: SecretAttributesBody) -> Response:
    """Replace the list of secret attributes."""
    with web.state().database.write() as session:
        place = service.load_environment(session, env)
        service.set_secret_attributes(session, web.actor(), place, body.items)
        session.refresh(place)
    return web.answer(_view(place))


@blueprint.get("/<env>/keys")
@blueprint.output(KeyList)
@blueprint.doc(summary="List an environment's keys")
@web.authorize("keys.read")
def list_keys(env: str) -> Response:
    """The keys without their secrets, which nobody can read again."""
    with web.state().database.read() as session:
        place = service.load_environment(session, env)
        keys = service.list_keys(session, place)
    return web.listing([_key_view(place, key) for key in keys])


@blueprint.post("/<env>/keys")
@blueprint.input(NewKeyBody, arg_name="body")
@blueprint.output(NewKeyView, status_code=201)
@blueprint.doc(summary="Create a key", description="The answer holds the secret, this once.")
@web.authorize("keys.write")
def create_key(env: str, body: NewKeyBody) -> Response:
    """A new key."""
    state = web.state()
    wanted = (body.kind, body.role, body.title)
    with state.database.write() as session:
        place = service.load_environment(session, env)
        key, secret = service.create_key(session, web.actor(), place, wanted, state.clock())
    shown = NewKeyView(**_key_view(place, key).model_dump(), secret=secret)
    return web.answer(shown, status=201)


@blueprint.delete("/<env>/keys/<int:key_id>")
@blueprint.output(KeyView)
@blueprint.doc(summary="Revoke a key", description="Every server refuses it within seconds.")
@web.authorize("keys.write")
def revoke_key(env: str, key_id: int) -> Response:
    """Close a key for good."""
    state = web.state()
    with state.database.write() as session:
        place = service.load_environment(session, env)
        key = service.revoke_key(session, web.actor(), place, web.row_id(key_id), state.clock())
    return web.answer(_key_view(place, key))


def _view(environment: Environment) -> EnvironmentView:
    return EnvironmentView(
        key=environment.key,
        title=environment.title,
        payload_version=environment.payload_version,
        secret_attributes=environment.secret_attributes,
        secret_salt=service.secret_salt(environment),
        created_at=environment.created_at,
    )


def _key_view(place: Environment, key: ApiKey) -> KeyView:
    view = KeyView.model_validate(key, from_attributes=True)
    return view.model_copy(update={"decryption_key": service.decryption_key(place, key)})
