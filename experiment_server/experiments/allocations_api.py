"""An experiment's list of assigned units, and the namespaces that experiments share."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field
from sqlmodel import Session

from experiment_server import web
from experiment_server.environments.service import load_environment
from experiment_server.experiments import allocations, listed, namespaces
from experiment_server.experiments.lifecycle import State
from experiment_server.experiments.models import Experiment
from experiment_server.experiments.service import list_experiments, load_experiment
from experiment_server.web import Body

blueprint = APIBlueprint(
    "allocations", __name__, url_prefix="/api/v1/environments/<env>", tag="Listed units"
)
ALLOCATION: Final = "/experiments/<key>/allocation"

Printable = r"^[^\x00-\x1f\x7f]*$"


class ListedUnitBody(Body):
    """One unit's variant."""

    unit: Annotated[str, Field(min_length=1, max_length=listed.LONGEST_UNIT, pattern=Printable)]
    variant: str = Field(max_length=128, description="of a crossover: the order, such as order-1")
    stratum: str = Field(default="", max_length=200, pattern=Printable)


class AllocationBody(Body):
    """Units that are assigned by list; `momentum assign` makes such lists."""

    items: list[ListedUnitBody] = Field(min_length=1, max_length=listed.MOST_UNITS)


class AllocationView(BaseModel):
    """The current list."""

    items: list[dict[str, str]]
    next: int | None = None


class NamespaceView(BaseModel):
    """One namespace: who uses which part of it, and what is free."""

    name: str
    experiments: list[dict[str, Any]]
    free: list[tuple[float, float]]
    overlaps: list[list[str]]


class NamespaceList(BaseModel):
    """An environment's namespaces, by name."""

    items: list[NamespaceView]
    next: int | None = None


@blueprint.get(ALLOCATION)
@blueprint.output(AllocationView)
@blueprint.doc(summary="List the units that an experiment assigns by list")
@web.authorize("definitions.read")
def read_allocation(env: str, key: str) -> Response:
    """The current list, by unit; empty when all units are left to the hash."""
    with web.state().database.read() as session:
        found = _load(session, env, key)
        rows = listed.load_rows(session, found)
        items = [{"unit": row.unit, "variant": row.arm, "stratum": row.stratum} for row in rows]
        return web.answer(AllocationView(items=items), version=found.version)


@blueprint.put(ALLOCATION)
@blueprint.input(AllocationBody, arg_name="body")
@blueprint.doc(
    summary="Assign units by list",
    description=(
        "Units on the list get their variant and are counted as any other; units that are not are "
        "left to the hash. Only while the experiment does not run. Needs If-Match."
    ),
    responses={200: "The experiment's version and what is on the list"},
)
@web.authorize("definitions.write")
def set_allocation(env: str, key: str, body: AllocationBody) -> Response:
    """Replace the list."""
    version, state = web.if_match(), web.state()
    items = [item.model_dump() for item in body.items]
    with state.database.write() as session:
        found = _load(session, env, key)
        allocations.set_allocation(session, web.actor(), found, version, items, state.clock())
        return web.answer(_summary(found), version=found.version)


@blueprint.delete(ALLOCATION)
@blueprint.doc(
    summary="Leave all units to the hash",
    description="Only while the experiment does not run. Needs If-Match.",
    responses={200: "The experiment's version"},
)
@web.authorize("definitions.write")
def clear_allocation(env: str, key: str) -> Response:
    """Take the list away."""
    version, state = web.if_match(), web.state()
    with state.database.write() as session:
        found = _load(session, env, key)
        allocations.clear_allocation(session, web.actor(), found, version, state.clock())
        return web.answer(_summary(found), version=found.version)


@blueprint.get("/namespaces")
@blueprint.output(NamespaceList)
@blueprint.doc(
    summary="List the namespaces",
    description=(
        "`free` is what no running or paused experiment uses; `overlaps` names pairs of "
        "experiments (drafts included) of which only one can run at a time."
    ),
)
@web.authorize("definitions.read")
def list_namespaces(env: str) -> Response:
    """Who uses which part of which namespace."""
    with web.state().database.read() as session:
        place = load_environment(session, env)
        found = [
            one
            for one in list_experiments(session, int(place.id or 0))
            if one.namespace and one.state not in (State.STOPPED, State.ARCHIVED)
        ]
    names = sorted({one.namespace["name"] for one in found if one.namespace})
    return web.listing([_namespace(name, found) for name in names])


def _load(session: Session, env: str, key: str) -> Experiment:
    place = load_environment(session, env)
    return load_experiment(session, int(place.id or 0), key)


def _summary(experiment: Experiment) -> dict[str, Any]:
    return {
        "key": experiment.key,
        "version": experiment.version,
        "allocation": experiment.allocation,
    }


def _namespace(name: str, experiments: Sequence[Experiment]) -> NamespaceView:
    spaces = [(one.key, one.state, one.namespace) for one in experiments]
    taken = sorted(namespaces.taken_of(spaces, name), key=lambda one: (one.low, one.experiment))
    in_use = [(one.low, one.high) for one in taken if one.state != State.DRAFT]
    return NamespaceView(
        name=name,
        experiments=[vars(one) for one in taken],
        free=namespaces.free_ranges(in_use),
        overlaps=[[one.experiment, other.experiment] for one, other in namespaces.overlaps(taken)],
    )
