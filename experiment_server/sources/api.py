"""/api/v1/environments/<env>/sources: tables of a company's own to read experiments from."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field
from sqlmodel import Session

from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.sources import service
from experiment_server.sources.models import Source
from experiment_server.web import Body, Key

blueprint = APIBlueprint(
    "sources", __name__, url_prefix="/api/v1/environments/<env>/sources", tag="Sources"
)

Variable = Annotated[
    str,
    Field(
        pattern=service.VARIABLE_PATTERN,
        description="the server's environment variable that holds the warehouse's address, such as "
        "MOMENTUM_SOURCE_ANALYTICS; the address itself is never stored or shown",
    ),
]


class SourceBody(Body):
    """What a source is."""

    title: str = Field(min_length=1, max_length=200)
    url_variable: Variable
    mapping: dict[str, Any] = Field(
        description="exposures, events, outcomes, learners: each a table or a SELECT, and the "
        "columns that say what; see docs/howto/warehouse.md"
    )


class NewSourceBody(SourceBody):
    """A new source."""

    key: Key


class SourceView(BaseModel):
    """A stored source."""

    key: str
    title: str
    url_variable: str
    mapping: dict[str, Any]
    validation: dict[str, Any] | None = Field(
        description="what the last validation found of this version: at, version, experiment, "
        "findings"
    )
    version: int
    created_at: datetime
    updated_at: datetime


class SourceList(BaseModel):
    """An environment's sources."""

    items: list[SourceView]
    next: int | None = None


@blueprint.get("")
@blueprint.output(SourceList)
@blueprint.doc(summary="List the sources")
@web.authorize("definitions.read")
def list_sources(env: str) -> Response:
    """An environment's sources, by key."""
    with web.state().database.read() as session:
        place = load_environment(session, env)
        found = service.list_sources(session, int(place.id or 0))
        return web.listing([_view(source) for source in found])


@blueprint.post("")
@blueprint.input(NewSourceBody, arg_name="body")
@blueprint.output(SourceView, status_code=201)
@blueprint.doc(
    summary="Define a source",
    description="Nothing of the warehouse is read: validate it next.",
)
@web.authorize("sources.write")
def create_source(env: str, body: NewSourceBody) -> Response:
    """A new source."""
    state = web.state()
    with state.database.write() as session:
        place = load_environment(session, env)
        wish = body.model_dump()
        made = service.create_source(session, web.actor(), place, wish, state.clock())
        shown = _view(made)
    return web.answer(shown, status=201, version=made.version)


@blueprint.get("/<key>")
@blueprint.output(SourceView)
@blueprint.doc(summary="Read a source")
@web.authorize("definitions.read")
def read_source(env: str, key: str) -> Response:
    """One source; its version is the ETag."""
    with web.state().database.read() as session:
        found = _load(session, env, key)
        return web.answer(_view(found), version=found.version)


@blueprint.put("/<key>")
@blueprint.input(SourceBody, arg_name="body")
@blueprint.output(SourceView)
@blueprint.doc(
    summary="Replace a source",
    description="Experiments that run are read by the new mapping from now on, and their readouts "
    "name its version. Needs If-Match with the version you read.",
)
@web.authorize("sources.write")
def change_source(env: str, key: str, body: SourceBody) -> Response:
    """Replace a source's values."""
    version, state = web.if_match(), web.state()
    with state.database.write() as session:
        found = _load(session, env, key)
        wish = body.model_dump()
        service.change_source(session, web.actor(), found, version, wish, state.clock())
        shown = _view(found)
    return web.answer(shown, version=found.version)


def _load(session: Session, env: str, key: str) -> Source:
    place = load_environment(session, env)
    return service.load_source(session, int(place.id or 0), key)


def _view(source: Source) -> SourceView:
    return SourceView(
        **service.plain(source),
        validation=source.validation,
        version=source.version,
        created_at=source.created_at,
        updated_at=source.updated_at,
    )
