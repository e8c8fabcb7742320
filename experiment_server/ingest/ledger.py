"""The ledger of every event id ever accepted: what makes a repeat harmless at any time."""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session, col

from experiment_server.ingest.models import ReceivedBefore, ReceivedEvent

KEY_BYTES: Final = 16
_HEAD_BYTES: Final = 5  # the other 11 make two ids alike once in 10^26 pairs
_AT_ONCE: Final = 1_000

# One statement for a whole batch: it gives Python's lock away once, and not once a row.
_SQLITE_FIND: Final = sa.text(
    """
    WITH RECURSIVE place(i) AS (
        SELECT 1 UNION ALL SELECT i + 16 FROM place WHERE i + 16 < length(:keys)
    ), sent(event_key) AS (SELECT substr(:keys, i, 16) FROM place)
    SELECT event_key FROM sent WHERE EXISTS (
        SELECT 1 FROM received_event AS known
        WHERE known.environment_id = :environment_id AND known.event_key = sent.event_key
    )
    """
)
_SQLITE_ENTER: Final = sa.text(
    """
    WITH RECURSIVE place(i) AS (
        SELECT 1 UNION ALL SELECT i + 16 FROM place WHERE i + 16 < length(:keys)
    )
    INSERT INTO received_event (environment_id, event_key)
    SELECT :environment_id, substr(:keys, i, 16) FROM place
    """
)
_ANY_BEFORE: Final = sa.text(
    "SELECT EXISTS (SELECT 1 FROM received_before WHERE environment_id = :environment_id)"
)
_POSTGRESQL_ENTER: Final = sa.text(
    """
    INSERT INTO received_event (environment_id, event_key)
    SELECT CAST(:environment_id AS integer), substring(sent.keys FROM place FOR 16)
    FROM (SELECT CAST(:keys AS bytea) AS keys) AS sent,
        generate_series(1, length(sent.keys), 16) AS place
    ON CONFLICT DO NOTHING RETURNING event_key
    """
)


def event_key(event_id: str) -> bytes:
    """An event id at fixed length, as the ledger keeps it.

    Ids that differ in their last two characters only begin alike and lie side by side. Whoever
    numbers its ids, as the SDKs do, so has a batch in a few of the ledger's pages, where a plain
    hash would spread it over as many pages as it has ids.
    """
    whole = event_id.encode()
    return _head(whole[:-2]) + _digest(whole, KEY_BYTES - _HEAD_BYTES)


def enter(session: Session, environment_id: int, ids: Mapping[bytes, str]) -> set[bytes]:
    """Enter ids by their keys; gives those that were not there before. The caller commits.

    Args:
        session: inside a write transaction; on SQLite it holds the write lock already.
        environment_id: whose events.
        ids: key (``event_key``) to id.
    """
    before = _known_before(session, environment_id, ids)
    # sorted: neighbours go into the same pages, and two batches with common ids lock them in one
    # order and never deadlock
    ordered = sorted(key for key in ids if key not in before)
    if not ordered:
        return set()
    if session.get_bind().dialect.name == "sqlite":
        return _enter_sqlite(session, environment_id, ordered)
    sent = {"environment_id": environment_id, "keys": b"".join(ordered)}
    entered = session.connection().execute(_POSTGRESQL_ENTER, sent)
    return {bytes(key) for key in entered.scalars()}


def find(session: Session, environment_id: int, ids: Mapping[bytes, str]) -> set[bytes]:
    """The keys, of those given with their ids, that were entered before; enters nothing."""
    known = _known_before(session, environment_id, ids)
    key = col(ReceivedEvent.event_key)
    of_environment = col(ReceivedEvent.environment_id) == environment_id
    keys = sorted(ids)
    for first in range(0, len(keys), _AT_ONCE):
        some = keys[first : first + _AT_ONCE]
        found = session.connection().execute(sa.select(key).where(of_environment, key.in_(some)))
        known.update(bytes(one) for one in found.scalars())
    return known


@lru_cache(1_024)
def _head(beginning: bytes) -> bytes:
    """What numbered ids share, for a few hundred of them in a row."""
    return _digest(beginning, _HEAD_BYTES)


def _digest(text: bytes, n_bytes: int) -> bytes:
    return blake2b(text, digest_size=n_bytes).digest()


def _known_before(session: Session, environment_id: int, ids: Mapping[bytes, str]) -> set[bytes]:
    """The keys of ids that came before migration 0007."""
    connection = session.connection()
    if not connection.execute(_ANY_BEFORE, {"environment_id": environment_id}).scalar_one():
        return set()
    of_environment = col(ReceivedBefore.environment_id) == environment_id
    by_old = {_digest(event_id.encode(), KEY_BYTES): key for key, event_id in ids.items()}
    old_key = col(ReceivedBefore.event_key)
    known: set[bytes] = set()
    old_keys = sorted(by_old)
    for first in range(0, len(old_keys), _AT_ONCE):
        some = old_keys[first : first + _AT_ONCE]
        found = connection.execute(sa.select(old_key).where(of_environment, old_key.in_(some)))
        known.update(by_old[bytes(key)] for key in found.scalars())
    return known


def _enter_sqlite(session: Session, environment_id: int, keys: list[bytes]) -> set[bytes]:
    connection = session.connection()
    sent = {"environment_id": environment_id, "keys": b"".join(keys)}
    new = set(keys)
    new.difference_update(connection.execute(_SQLITE_FIND, sent).scalars())
    if len(new) < len(keys):
        sent["keys"] = b"".join(sorted(new))
    if new:
        connection.execute(_SQLITE_ENTER, sent)
    return new
