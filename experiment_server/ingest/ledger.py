"""The ledger of every event id ever accepted: what makes a repeat harmless at any time."""

from collections.abc import Collection
from hashlib import blake2b
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session

KEY_BYTES: Final = 16

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
    """An event id at fixed length, as the ledger keeps it."""
    return blake2b(event_id.encode(), digest_size=KEY_BYTES).digest()


def enter(session: Session, environment_id: int, keys: Collection[bytes]) -> set[bytes]:
    """Enter the keys; gives those that were not there before. The caller writes, and commits.

    Args:
        session: inside a write transaction; on SQLite it holds the write lock already.
        environment_id: whose events.
        keys: each once.
    """
    if not keys:
        return set()
    # sorted: neighbours go into the same pages, and two batches with common ids lock them in one
    # order and never deadlock
    ordered = sorted(keys)
    if session.get_bind().dialect.name == "sqlite":
        return _enter_sqlite(session, environment_id, ordered)
    sent = {"environment_id": environment_id, "keys": b"".join(ordered)}
    entered = session.connection().execute(_POSTGRESQL_ENTER, sent)
    return {bytes(key) for key in entered.scalars()}


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
