"""Receiving a batch: what is good is kept; what is not is refused, and kept in quarantine."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.db import Database
from experiment_server.experiments.designs import delivered_keys
from experiment_server.experiments.listed import LONGEST_UNIT, experiment_design, load_strata
from experiment_server.experiments.models import Experiment
from experiment_server.ingest import buffer
from experiment_server.ingest.batches import parse_each
from experiment_server.ingest.items import (
    KnownExperiment,
    ParsedItem,
    Receipt,
    Refusal,
    Rules,
)
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.ingest.refused import NATIVE, held_items
from experiment_server.ingest.standards import STANDARDS
from experiment_server.ingest.values import MAX_ID
from experiment_server.quarantine import service as quarantine

_PSEUDONYM_KEY: Final = sa.text("SELECT pseudonym_key FROM environment WHERE id = :id")


def receive(
    database: Database,
    environment_id: int,
    items: Sequence[Any],
    now: datetime,
    *,
    may_describe: bool,
) -> Receipt:
    """What became of a batch. When this returns, the accepted rows survive any crash."""
    with database.read() as session:
        rules = load_rules(session, environment_id, items, now, may_describe=may_describe)
    parsed, refused = parse_batch(items, rules)
    with database.write() as session:
        appended = buffer.append(session, environment_id, parsed, now)
        if refused:
            quarantine.hold(session, environment_id, NATIVE, held_items(items, refused, rules), now)
    return Receipt(appended.accepted, appended.duplicates, tuple(refused))


def load_rules(
    session: Session,
    environment_id: int,
    items: Sequence[Any],
    received_at: datetime,
    *,
    may_describe: bool,
) -> Rules:
    """What the parser needs to know besides these items."""
    key = session.connection().execute(_PSEUDONYM_KEY, {"id": environment_id}).scalar_one()
    return Rules(
        received_at=received_at,
        pseudonyms=Pseudonyms(key),
        experiments=_known_experiments(session, environment_id, items),
        may_describe=may_describe,
    )


def parse_batch(
    items: Sequence[Any], rules: Rules, standard: str = "native"
) -> tuple[list[ParsedItem], list[Refusal]]:
    """The good items as lake rows, and the refusals of the others."""
    return parse_each(items, rules, STANDARDS[standard])


def _known_experiments(
    session: Session, environment_id: int, items: Sequence[Any]
) -> dict[str, KnownExperiment]:
    """The environment's experiments among those that the batch names."""
    keys = {item["experiment"] for item in items if _is_exposure(item)}
    if not keys:
        return {}
    found = session.exec(
        select(Experiment)
        .where(Experiment.environment_id == environment_id)
        .where(col(Experiment.key).in_(keys))
    )
    return {experiment.key: _known(session, experiment, items) for experiment in found}


def _known(session: Session, experiment: Experiment, items: Sequence[Any]) -> KnownExperiment:
    return KnownExperiment(
        unit_kind=experiment.unit_kind,
        variants=delivered_keys(experiment_design(experiment)),
        started=experiment.phase > 0,
        strata=_strata(session, experiment, items),
    )


def _strata(session: Session, experiment: Experiment, items: Sequence[Any]) -> dict[str, str]:
    """The strata of the listed units among those that the batch says were exposed."""
    if not experiment.allocation:
        return {}
    member = "unit" if experiment.unit_kind == "team" else "learner"
    exposed = [item for item in items if _is_exposure(item)]
    units = {
        item[member]
        for item in exposed
        if item["experiment"] == experiment.key and _is_storable(item.get(member))
    }
    return load_strata(session, experiment, sorted(units))


def _is_storable(unit: Any) -> bool:
    return type(unit) is str and len(unit) <= LONGEST_UNIT and unit.isprintable()


def _is_exposure(item: Any) -> bool:
    return (
        type(item) is dict
        and item.get("type") == "exposure"
        and type(item.get("experiment")) is str
        and len(item["experiment"]) <= MAX_ID
        and item["experiment"].isprintable()  # a database takes no NUL and no lone surrogate
    )
