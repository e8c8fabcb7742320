"""Receiving outcomes: each fact and what it corrects change in one transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from experiment_server.db import Database
from experiment_server.environments.models import Environment
from experiment_server.ingest import buffer
from experiment_server.ingest.batches import parse_each
from experiment_server.ingest.items import Receipt, Rules, to_micros
from experiment_server.ingest.ledger import event_key, find
from experiment_server.ingest.outcome_models import CurrentOutcome
from experiment_server.ingest.outcomes import (
    OUTCOMES,
    Current,
    Decided,
    Fact,
    decide,
    event_id,
    parse_outcome,
)
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.ingest.refused import held_items
from experiment_server.quarantine import service as quarantine

_INSERTS: Final[dict[str, Callable[..., Any]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def receive_outcomes(
    database: Database, environment_id: int, items: Sequence[Any], now: datetime
) -> Receipt:
    """What became of a batch. When this returns, the facts that were taken survive any crash."""
    with database.read() as session:
        rules = outcome_rules(session, environment_id, now)
    facts, refused = parse_each(items, rules, parse_outcome)
    with database.write() as session:
        appended = take_facts(session, environment_id, facts, now)
        if refused:
            held = held_items(items, refused, rules)
            quarantine.hold(session, environment_id, OUTCOMES, held, now)
    return Receipt(appended.accepted, appended.duplicates, tuple(refused))


def outcome_rules(session: Session, environment_id: int, received_at: datetime) -> Rules:
    """What the parser needs to know besides the item."""
    environment = session.get_one(Environment, environment_id)
    return Rules(received_at, Pseudonyms(environment.pseudonym_key), experiments={})


def take_facts(
    session: Session,
    environment_id: int,
    facts: Sequence[Fact],
    received_at: datetime,
    *,
    is_late: bool = False,
) -> buffer.Appended:
    """Buffer the facts that say something new; the caller writes, and commits.

    ``is_late``: they were received at ``received_at`` and are only taken now.
    """
    if not facts:
        return buffer.Appended(0, 0)
    keys = sorted({fact.key for fact in facts})
    _lock(session, environment_id, keys)
    decided = decide(
        facts,
        load_current(session, environment_id, keys),
        load_received(session, environment_id, facts),
        to_micros(received_at),
        is_late=is_late,
    )
    buffer.append(session, environment_id, decided.rows, received_at)
    _store(session, environment_id, decided)
    return buffer.Appended(len(decided.rows), decided.n_duplicates)


def load_current(
    session: Session, environment_id: int, keys: Sequence[bytes]
) -> dict[bytes, Current]:
    """What counts by now, for those of the keys that have something."""
    found = session.connection().execute(
        sa.select(
            col(CurrentOutcome.key), col(CurrentOutcome.value), col(CurrentOutcome.received_micros)
        )
        .where(col(CurrentOutcome.environment_id) == environment_id)
        .where(col(CurrentOutcome.key).in_(keys))
    )
    return {bytes(key): Current(value, micros) for key, value, micros in found}


def load_received(session: Session, environment_id: int, facts: Sequence[Fact]) -> set[str]:
    """The event ids, among those of the facts that have one, that were taken before."""
    named = {event_key(event_id(fact.id)): event_id(fact.id) for fact in facts if fact.id}
    return {named[key] for key in find(session, environment_id, named)}


def forget_learner(session: Session, environment_id: int, learner: str) -> int:
    """Remove what is kept of a learner's (by pseudonym) current outcomes; gives how many."""
    first = bytes.fromhex(learner)
    theirs = sa.delete(CurrentOutcome).where(
        col(CurrentOutcome.environment_id) == environment_id,
        col(CurrentOutcome.key).between(first + bytes(16), first + b"\xff" * 16),
    )
    return int(session.connection().execute(theirs).rowcount)


def _lock(session: Session, environment_id: int, keys: Sequence[bytes]) -> None:
    """Hold the keys, new ones too, until the transaction ends: facts about one take turns.

    Sorted by the caller, so that two batches with common keys never deadlock. SQLite's one writer
    holds everything already.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    session.connection().execute(
        postgresql.insert(CurrentOutcome).on_conflict_do_nothing(),
        [
            {"environment_id": environment_id, "key": key, "value": None, "received_micros": 0}
            for key in keys
        ],
    )
    session.connection().execute(
        sa.select(col(CurrentOutcome.key))
        .where(col(CurrentOutcome.environment_id) == environment_id)
        .where(col(CurrentOutcome.key).in_(keys))
        .order_by(col(CurrentOutcome.key))
        .with_for_update()
    )


def _store(session: Session, environment_id: int, decided: Decided) -> None:
    if not decided.current:
        return
    insert = _INSERTS[session.get_bind().dialect.name](CurrentOutcome)
    session.connection().execute(
        insert.on_conflict_do_update(
            index_elements=["environment_id", "key"],
            set_={
                "value": insert.excluded.value,
                "received_micros": insert.excluded.received_micros,
            },
        ),
        [
            {
                "environment_id": environment_id,
                "key": key,
                "value": found.value,
                "received_micros": found.received_micros,
            }
            for key, found in sorted(decided.current.items())
        ],
    )
