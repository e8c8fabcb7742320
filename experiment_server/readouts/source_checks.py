"""Looking at a source through the eyes of an experiment: validation and preview. No Flask."""

from typing import Any, Final

from sqlmodel import Session

from analysis.warehouse.connect import WarehouseError, driver_errors
from analysis.warehouse.findings import Finding, from_error
from analysis.warehouse.preview import preview
from analysis.warehouse.tables import Reading
from analysis.warehouse.validate import Expected, validate
from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.experiments.service import load_experiment, load_phase
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.security.roles import Actor
from experiment_server.sources import service as sources
from experiment_server.sources.models import Source
from experiment_server.state import State

MASK_LENGTH: Final = 8  # of a pseudonym: enough to see who is the same, too little to find who


def validate_source(
    state: State, actor: Actor, environment: Environment, key: str, experiment: str | None
) -> dict[str, Any]:
    """What a validation found: at, version, experiment, findings; it is kept with the source.

    Raises:
        Problem: 404 for a source or experiment that is not there.
    """
    with state.database.read() as session:
        source = sources.load_source(session, int(environment.id or 0), key)
        expected = _expected(session, state, environment, experiment)
    findings = _look(state, source, expected)
    with state.database.write() as session:
        current = sources.load_source(session, int(environment.id or 0), key)
        found = {
            "at": state.clock().isoformat(),
            "version": source.version,  # somebody may have changed it meanwhile
            "experiment": experiment or "",
            "findings": [each.to_json() for each in findings],
        }
        sources.keep_validation(session, actor, current, found)
    return found


def preview_source(
    state: State, actor: Actor, environment: Environment, key: str, experiment: str | None
) -> dict[str, list[dict[str, Any]]]:
    """The first rows of each table, with masked ids.

    Raises:
        Problem: 404 for a source or experiment that is not there; 422 when it cannot be read.
    """
    with state.database.read() as session:
        source = sources.load_source(session, int(environment.id or 0), key)
        reading = _expected(session, state, environment, experiment).reading
    pseudonyms = Pseudonyms(environment.pseudonym_key)

    def mask(unit: str) -> str:
        return pseudonyms.learner(unit)[:MASK_LENGTH]

    try:
        with sources.connected(source, state.settings) as connection, driver_errors():
            found = preview(connection, sources.parsed(source.mapping), reading, mask)
    except WarehouseError as error:
        raise sources.unreadable(key, error) from error
    with state.database.write() as session:
        record(
            session,
            actor,
            "source.preview",
            f"source:{key}",
            after={name: len(rows) for name, rows in found.items()},
            environment_id=environment.id,
        )
    return found


def _look(state: State, source: Source, expected: Expected) -> list[Finding]:
    try:
        with sources.connected(source, state.settings) as connection:
            return validate(connection, sources.parsed(source.mapping), expected)
    except WarehouseError as error:
        return [from_error(error)]


def _expected(
    session: Session, state: State, environment: Environment, key: str | None
) -> Expected:
    """What an experiment would have: as its current phase froze it, or as its draft stands."""
    if key is None:
        return Expected(Reading(""), state.clock())
    experiment = load_experiment(session, int(environment.id or 0), key)
    phase = load_phase(session, experiment) if experiment.phase else None
    variants = phase.design["variants"] if phase else experiment.variants
    return Expected(
        Reading(key, experiment.unit_kind),
        state.clock(),
        variants=tuple(variant["key"] for variant in variants),
        started_at=phase.started_at if phase else None,
    )
