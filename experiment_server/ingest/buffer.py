"""The event buffer: durable before the answer, and a repeated id stored once."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from experiment_server.ingest.items import ParsedItem
from experiment_server.ingest.models import BufferedEvent, ReceivedEvent

_INSERTS: Final[dict[str, Callable[..., Any]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


class Appended(NamedTuple):
    """What became of a batch's good items."""

    accepted: int
    duplicates: int


def event_key(event_id: str) -> bytes:
    """An event id at fixed length, as the ledger keeps it."""
    return blake2b(event_id.encode(), digest_size=16).digest()


def append(
    session: Session, environment_id: int, items: Iterable[ParsedItem], received_at: datetime
) -> Appended:
    """Buffer the items that were never received; the caller's commit makes them durable.

    Ledger and buffer change in one transaction: an id is in the ledger exactly when its row is
    buffered or already in the lake, however the server ends.
    """
    received = list(items)
    by_key: dict[bytes, ParsedItem] = {}
    for item in received:
        by_key.setdefault(event_key(item.event_id), item)
    new = _enter_ledger(session, environment_id, list(by_key))
    _insert_rows(
        session, environment_id, [by_key[key] for key in by_key if key in new], received_at
    )
    return Appended(len(new), len(received) - len(new))


def count_buffered(session: Session, environment_id: int) -> int:
    """How many rows wait for the lake."""
    counted = sa.select(sa.func.count()).where(col(BufferedEvent.environment_id) == environment_id)
    return int(session.connection().execute(counted).scalar_one())


def _enter_ledger(session: Session, environment_id: int, keys: Sequence[bytes]) -> set[bytes]:
    """Enter the keys; gives those that were not there before."""
    insert = _INSERTS[session.get_bind().dialect.name]
    statement = (
        insert(ReceivedEvent).on_conflict_do_nothing().returning(col(ReceivedEvent.event_key))
    )
    # sorted, so that two batches with common ids lock them in one order and never deadlock
    rows = [{"environment_id": environment_id, "event_key": key} for key in sorted(keys)]
    if not rows:
        return set()
    entered = session.connection().execute(statement, rows)
    return {bytes(key) for key in entered.scalars()}


def _insert_rows(
    session: Session, environment_id: int, items: Sequence[ParsedItem], received_at: datetime
) -> None:
    if items:
        session.connection().execute(
            sa.insert(BufferedEvent),
            [
                {
                    "environment_id": environment_id,
                    "lake_table": item.lake_table,
                    "row": item.row,
                    "received_at": received_at,
                }
                for item in items
            ],
        )
