"""Quarantine: keeping what was not taken, listing, counting, replaying, discarding, forgetting."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from experiment_server.audit.service import record
from experiment_server.db import Database
from experiment_server.environments.models import Environment
from experiment_server.problems import not_found
from experiment_server.quarantine.held import (
    DISCARDED,
    MAX_FIELD,
    MAX_REASON,
    REPLAYED,
    WAITING,
    Again,
    Held,
    SetAside,
    Why,
    as_text,
    content_key,
)
from experiment_server.quarantine.models import QuarantinedItem
from experiment_server.security.roles import Actor

MAX_WAITING: Final = 100_000  # of one environment: beyond, things are counted and not kept
OVERFLOW: Final = Held(
    None,
    Why(
        "quarantine",
        "is full, so no more is kept; times says how many things were only counted",
        "replay or discard what waits; xAPI statements are all in their store, and a replay reads "
        "them there; of anything else the sender was told what was refused, and can send it again",
    ),
)
MAX_CAUSES: Final = 100
REPLAY_ROWS: Final = 500  # of one transaction
MAX_SETTLED: Final = 10_000  # of one call, so that it answers in time
_INSERTS: Final[dict[str, Callable[..., Any]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}

Answer = Why | SetAside | None
ReadAgain = Callable[[Session, int, str, datetime, Sequence[Again]], list[Answer]]
"""Parses things of one standard and one time of receipt again, and buffers what is good now.

Takes the session, the environment's id, the standard, when the things were received, the things;
gives for each None when it was taken (or was there already), else why not, or that it is set aside.
"""


@dataclass(frozen=True)
class Chosen:
    """Which waiting things to act on; what is None or empty does not narrow the choice."""

    ids: tuple[int, ...] = ()
    standard: str | None = None
    cause: str | None = None


class CauseCount(NamedTuple):
    """How many things of one standard failed alike."""

    standard: str
    field: str
    cause: str
    remedy: str
    n_items: int
    n_received: int  # with every repeat
    last_received_at: datetime


class Replayed(NamedTuple):
    """What became of a replay."""

    n_replayed: int
    n_kept: int  # still not understood; each has its new reason
    n_left: int  # more of those chosen wait: replay again


def hold(
    session: Session,
    environment_id: int,
    standard: str,
    held: Sequence[Held],
    received_at: datetime,
) -> None:
    """Keep what was not taken, in the caller's transaction; the same thing again is counted."""
    if not held:
        return
    has_room = count_waiting(session, environment_id) < MAX_WAITING
    rows: dict[bytes, dict[str, Any]] = {}
    for one in held if has_room else [OVERFLOW] * len(held):
        row = _row(one, environment_id, standard, received_at)
        known = rows.setdefault(row["content_key"], row)
        if known is not row:
            known["times"] += 1
    insert = _INSERTS[session.get_bind().dialect.name](QuarantinedItem)
    counted = insert.on_conflict_do_update(
        index_elements=["environment_id", "standard", "content_key"],
        set_={
            "times": col(QuarantinedItem.times) + insert.excluded.times,
            "last_received_at": insert.excluded.last_received_at,
        },
    )
    # sorted, so that two batches with common things lock them in one order and never deadlock
    session.connection().execute(counted, [rows[key] for key in sorted(rows)])


def list_items(
    session: Session,
    environment_id: int,
    status: str | None,
    chosen: Chosen,
    limit: int,
    before_id: int | None = None,
) -> list[QuarantinedItem]:
    """The newest first; ``before_id`` continues an earlier list."""
    query = select(QuarantinedItem).where(*_where(environment_id, chosen))
    if status is not None:
        query = query.where(QuarantinedItem.status == status)
    if before_id is not None:
        query = query.where(col(QuarantinedItem.id) < before_id)
    return list(session.exec(query.order_by(sa.desc(col(QuarantinedItem.id))).limit(limit)))


def count_waiting(session: Session, environment_id: int) -> int:
    """How many things of an environment wait to be settled."""
    counted = sa.select(sa.func.count()).where(
        col(QuarantinedItem.environment_id) == environment_id,
        col(QuarantinedItem.status) == WAITING,
    )
    return int(session.connection().execute(counted).scalar_one())


def count_causes(session: Session, environment_id: int) -> list[CauseCount]:
    """What the waiting things fail of, the most frequent first; at most ``MAX_CAUSES``."""
    item = QuarantinedItem
    same = (col(item.standard), col(item.field), col(item.cause))
    n_items = sa.func.count()
    counted = (
        sa.select(
            *same,
            sa.func.max(col(item.remedy)),
            n_items,
            sa.func.sum(col(item.times)),
            sa.func.max(col(item.last_received_at)),
        )
        .where(col(item.environment_id) == environment_id, col(item.status) == WAITING)
        .group_by(*same)
        .order_by(n_items.desc(), *same)
        .limit(MAX_CAUSES)
    )
    return [CauseCount(*row) for row in session.connection().execute(counted)]


def replay(
    database: Database,
    actor: Actor,
    environment: Environment,
    chosen: Chosen,
    read_again: ReadAgain,
    now: datetime,
) -> Replayed:
    """Send waiting things through their parser again, each taken at most once.

    A thing and its mark change in one transaction. At most ``MAX_SETTLED`` are tried, those first
    that were tried least often: what is refused again and again hides nothing.
    """
    environment_id = _id(environment)
    with database.read() as session:
        turn = _next_turn(session, environment_id, chosen)
    taken, kept = 0, 0
    for first in range(0, len(turn), REPLAY_ROWS):
        with database.write() as session:
            items = _take(session, turn[first : first + REPLAY_ROWS])
            taken += _read_all(session, items, read_again, now)
            kept += sum(item.status == WAITING for item in items)
    with database.write() as session:
        left = max(_count_chosen(session, environment_id, chosen) - kept, 0)
        done = Replayed(taken, kept, left)
        _record(session, actor, environment, "quarantine.replay", chosen, done._asdict())
    return done


def discard(
    session: Session,
    actor: Actor,
    environment: Environment,
    chosen: Chosen,
    reason: str,
    now: datetime,
) -> int:
    """Set waiting things aside for good; gives how many.

    Raises:
        Problem: 404, when things are named by id and none of them waits.
    """
    discarded = session.connection().execute(
        sa.update(QuarantinedItem)
        .where(*_where(_id(environment), chosen), col(QuarantinedItem.status) == WAITING)
        .values(status=DISCARDED, settled_at=now, note=reason)
    )
    n_discarded = int(discarded.rowcount)
    if chosen.ids and not n_discarded:
        raise not_found("waiting thing", chosen.ids[0])
    after = {"n_discarded": n_discarded, "reason": reason}
    _record(session, actor, environment, "quarantine.discard", chosen, after)
    return n_discarded


def waiting_keys(environment_id: int, standard: str, chosen: Chosen) -> Any:
    """A query of the chosen waiting things' content keys, of one standard."""
    return sa.select(col(QuarantinedItem.content_key)).where(
        *_where(environment_id, chosen),
        col(QuarantinedItem.standard) == standard,
        col(QuarantinedItem.status) == WAITING,
    )


def settle(
    session: Session,
    environment_id: int,
    standard: str,
    keys: Sequence[bytes],
    values: dict[str, Any],
) -> None:
    """Mark waiting things, named by content keys, as settled; ``values`` say how and when."""
    chosen = sa.update(QuarantinedItem).where(
        col(QuarantinedItem.environment_id) == environment_id,
        col(QuarantinedItem.standard) == standard,
        col(QuarantinedItem.status) == WAITING,
        col(QuarantinedItem.content_key).in_(sorted(keys)),
    )
    session.connection().execute(chosen.values(**values))


def forget_before(session: Session, before: datetime) -> int:
    """Remove what was last received before a time, settled or not; gives how many."""
    old = sa.delete(QuarantinedItem).where(col(QuarantinedItem.last_received_at) < before)
    return int(session.connection().execute(old).rowcount)


def forget_learner(session: Session, environment_id: int, learner: str) -> int:
    """Remove what a learner (by pseudonym) sent; gives how many."""
    theirs = sa.delete(QuarantinedItem).where(
        col(QuarantinedItem.environment_id) == environment_id,
        col(QuarantinedItem.learner) == learner,
    )
    return int(session.connection().execute(theirs).rowcount)


def _id(environment: Environment) -> int:
    if environment.id is None:
        raise ValueError(f"environment {environment.key!r} is not stored yet")
    return environment.id


def _row(held: Held, environment_id: int, standard: str, received_at: datetime) -> dict[str, Any]:
    text, is_whole = as_text(held.raw)
    return {
        "environment_id": environment_id,
        "standard": standard,
        "content_key": content_key(text, held.may_describe),
        "raw": text,
        "is_whole": is_whole and held is not OVERFLOW,  # what is not kept cannot be replayed
        "may_describe": held.may_describe,
        "learner": held.learner,
        **_why(held.why),
        "times": 1,
        "received_at": received_at,
        "last_received_at": received_at,
        "status": WAITING,
        "note": "",
    }


def _why(why: Why) -> dict[str, str]:
    return {
        "field": why.field[:MAX_FIELD],
        "reason": why.reason[:MAX_REASON],
        "remedy": why.remedy[:MAX_REASON],
        "cause": why.cause,
    }


def _where(environment_id: int, chosen: Chosen) -> list[Any]:
    found: list[Any] = [col(QuarantinedItem.environment_id) == environment_id]
    if chosen.ids:
        found.append(col(QuarantinedItem.id).in_(chosen.ids))
    if chosen.standard is not None:
        found.append(col(QuarantinedItem.standard) == chosen.standard)
    if chosen.cause is not None:
        found.append(col(QuarantinedItem.cause) == chosen.cause)
    return found


def _next_turn(session: Session, environment_id: int, chosen: Chosen) -> Sequence[int]:
    """Which waiting things to try now."""
    query = (
        sa.select(col(QuarantinedItem.id))
        .where(*_where(environment_id, chosen), col(QuarantinedItem.status) == WAITING)
        .order_by(col(QuarantinedItem.n_tries), col(QuarantinedItem.id))
        .limit(MAX_SETTLED)
    )
    return [int(found or 0) for found in session.connection().execute(query).scalars()]


def _take(session: Session, ids: Sequence[int]) -> Sequence[QuarantinedItem]:
    """Those of these things that wait still, locked until the transaction ends."""
    query = (
        select(QuarantinedItem)
        .where(col(QuarantinedItem.id).in_(ids), QuarantinedItem.status == WAITING)
        .order_by(col(QuarantinedItem.id))
        .with_for_update()
    )
    return session.exec(query).all()


def _count_chosen(session: Session, environment_id: int, chosen: Chosen) -> int:
    counted = sa.select(sa.func.count()).where(
        *_where(environment_id, chosen), col(QuarantinedItem.status) == WAITING
    )
    return int(session.connection().execute(counted).scalar_one())


def _read_all(
    session: Session, items: Sequence[QuarantinedItem], read_again: ReadAgain, now: datetime
) -> int:
    """How many were taken; things that came together go together, in the order they came."""
    groups: dict[tuple[int, str, datetime], list[QuarantinedItem]] = {}
    for item in items:
        item.n_tries += 1
        if item.is_whole:
            came = (item.environment_id, item.standard, item.received_at)
            groups.setdefault(came, []).append(item)
    taken = 0
    for (environment_id, standard, received_at), group in groups.items():
        again = [Again(json.loads(item.raw), item.may_describe) for item in group]
        answers = read_again(session, environment_id, standard, received_at, again)
        for item, answer in zip(group, answers, strict=True):
            _settle(item, answer, now)
            taken += answer is None
    session.flush()
    return taken


def _settle(item: QuarantinedItem, answer: Answer, now: datetime) -> None:
    if answer is None:
        item.status, item.settled_at = REPLAYED, now
    elif isinstance(answer, SetAside):
        item.status, item.settled_at, item.note = DISCARDED, now, answer.note
    else:
        for name, text in _why(answer).items():
            setattr(item, name, text)


def _record(
    session: Session,
    actor: Actor,
    environment: Environment,
    action: str,
    chosen: Chosen,
    after: dict[str, Any],
) -> None:
    """An audit entry: what was chosen and how many, never what the things say."""
    wish = {"standard": chosen.standard, "cause": chosen.cause, "n_named": len(chosen.ids)}
    record(
        session,
        actor,
        action,
        f"quarantine:{environment.key}",
        after={**wish, **after},
        environment_id=environment.id,
    )
