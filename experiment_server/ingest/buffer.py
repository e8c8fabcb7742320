"""The event buffer: durable before the answer, and a repeated id stored once."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.ingest import ledger
from experiment_server.ingest.chunks import pack, unpack
from experiment_server.ingest.items import ParsedItem
from experiment_server.ingest.models import BufferedChunk

_INSERT: Final = sa.insert(BufferedChunk.__table__)  # type: ignore[attr-defined]  # made once


class Appended(NamedTuple):
    """What became of a batch's good items."""

    accepted: int
    duplicates: int


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
        by_key.setdefault(ledger.event_key(item.event_id), item)
    ids = {key: item.event_id for key, item in by_key.items()}
    new = ledger.enter(session, environment_id, ids)
    rows: dict[str, list[dict[str, Any]]] = {}
    for key, item in by_key.items():
        if key in new:
            rows.setdefault(item.lake_table, []).append(item.row)
    for lake_table, of_table in rows.items():
        _insert_chunk(session, environment_id, lake_table, of_table, received_at)
    return Appended(len(new), len(received) - len(new))


def count_buffered(session: Session, environment_id: int) -> int:
    """How many rows wait for the lake."""
    counted = sa.select(sa.func.coalesce(sa.func.sum(col(BufferedChunk.n_rows)), 0))
    of_environment = counted.where(col(BufferedChunk.environment_id) == environment_id)
    return int(session.connection().execute(of_environment).scalar_one())


def read_buffered(
    session: Session, environment_id: int
) -> Iterator[tuple[BufferedChunk, list[dict[str, Any]]]]:
    """The chunks that wait for the lake, in the order they came, each with its rows."""
    chosen = (
        select(BufferedChunk)
        .where(BufferedChunk.environment_id == environment_id)
        .order_by(col(BufferedChunk.id))
    )
    for chunk in session.exec(chosen):
        yield chunk, unpack(chunk.content, chunk.n_bytes)


def _insert_chunk(
    session: Session,
    environment_id: int,
    lake_table: str,
    rows: list[dict[str, Any]],
    received_at: datetime,
) -> None:
    packed = pack(rows)
    chunk = {
        "environment_id": environment_id,
        "lake_table": lake_table,
        "received_at": received_at,
        **packed._asdict(),
    }
    session.connection().execute(_INSERT, chunk)
