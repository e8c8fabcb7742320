"""A dry run's own memory: what the file itself has said so far, in a file that is thrown away."""

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlmodel import Session

from experiment_server.imports.mapping import OUTCOMES, Subject
from experiment_server.ingest.buffer import Appended
from experiment_server.ingest.items import ParsedItem, to_micros
from experiment_server.ingest.ledger import event_key, find
from experiment_server.ingest.outcome_service import load_current, load_received
from experiment_server.ingest.outcomes import Current, Fact, decide, event_id


class Rehearsal(AbstractContextManager["Rehearsal"]):
    """Counts what would be taken and what is there already; the store is only read.

    What the file said stands on disk, so that a file of any size can be rehearsed.
    """

    def __init__(self, subject: Subject) -> None:
        self.appended = Appended(0, 0)
        self._rehearse = self._facts if subject is OUTCOMES else self._items

    def __enter__(self) -> "Rehearsal":
        self._folder = TemporaryDirectory(prefix="momentum-dry-run-")
        self._notes = sqlite3.connect(Path(self._folder.name) / "notes.db", isolation_level=None)
        self._notes.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE seen (key BLOB PRIMARY KEY, value REAL, micros INTEGER) WITHOUT ROWID;"
        )
        return self

    def __exit__(self, *_error: object) -> None:
        self._notes.close()
        self._folder.cleanup()

    def take(
        self, session: Session, environment_id: int, good: Sequence[Any], now: datetime
    ) -> None:
        """Count a batch."""
        n_new = self._rehearse(session, environment_id, good, now)
        known = self.appended
        self.appended = Appended(known.accepted + n_new, known.duplicates + len(good) - n_new)

    def _items(
        self, session: Session, environment_id: int, good: Sequence[ParsedItem], _now: datetime
    ) -> int:
        ids = {event_key(item.event_id): item.event_id for item in good}
        return self._note(set(ids) - find(session, environment_id, ids))

    def _facts(
        self, session: Session, environment_id: int, good: Sequence[Fact], now: datetime
    ) -> int:
        keys = {fact.key for fact in good}
        current = load_current(session, environment_id, sorted(keys)) | self._seen_values(keys)
        named = {event_key(event_id(fact.id)): event_id(fact.id) for fact in good if fact.id}
        ids = load_received(session, environment_id, good)
        ids |= {named[key] for key in self._seen(named)}
        decided = decide(good, current, ids, to_micros(now))
        self._note({event_key(row.event_id) for row in decided.rows})
        self._notes.executemany(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?)",
            [(key, *found) for key, found in decided.current.items()],
        )
        return len(decided.rows)

    def _note(self, keys: set[bytes]) -> int:
        """Note the keys; gives how many the file had not said before."""
        before = self._notes.total_changes
        self._notes.executemany(
            "INSERT OR IGNORE INTO seen (key) VALUES (?)", [(key,) for key in keys]
        )
        return self._notes.total_changes - before

    def _seen(self, keys: Sequence[bytes] | set[bytes] | dict[bytes, str]) -> set[bytes]:
        return {key for key in keys if self._find(key) is not None}

    def _seen_values(self, keys: set[bytes]) -> dict[bytes, Current]:
        found = {key: self._find(key) for key in keys}
        return {key: Current(*values) for key, values in found.items() if values is not None}

    def _find(self, key: bytes) -> tuple[float, int] | None:
        read = self._notes.execute("SELECT value, micros FROM seen WHERE key = ?", (key,))
        found: tuple[float, int] | None = read.fetchone()
        return found
