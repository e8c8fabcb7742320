"""The statement store: durable before the answer, each statement stored once and an event once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.db import Database
from experiment_server.environments.models import Environment
from experiment_server.ingest.mapped import XAPI, take
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.problems import Problem, shown
from experiment_server.quarantine.held import received_key
from experiment_server.statements.identity import learner_id
from experiment_server.xapi.contents import Contents, Receipt, describe, mentions_of
from experiment_server.xapi.models import XapiMention, XapiStatement, XapiWaiting

LOCKS: Final = 7_300_000_000  # advisory locks of statement stores; none else is near
_TICK: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Sender:
    """Who sends statements."""

    environment_id: int
    version: str  # of xAPI
    authority: dict[str, Any]
    may_void: bool


def store(
    database: Database,
    sender: Sender,
    statements: Sequence[dict[str, Any]],
    clock: Callable[[], datetime],
) -> list[str]:
    """Store checked statements, all or none; gives their ids. What is there already is left alone.

    Raises:
        Problem: 409, when an id is in use for a different statement; 403, for voiding with a key
            that may not.
    """
    with database.write() as session:
        _take_turn(session, database.dialect, sender.environment_id)
        stored_at = _next_time(session, sender.environment_id, clock())
        receipt = Receipt(sender.version, sender.authority, stored_at)
        described = [describe(statement, str(uuid4()), receipt) for statement in statements]
        _check_voiding(described, sender)
        known = _known(session, sender.environment_id, described)
        new = []
        for contents in described:
            if contents.statement_id in known:
                _check_same(contents, known[contents.statement_id])
            else:
                new.append(contents)
        if new:
            _insert(session, sender.environment_id, new, stored_at)
    return [contents.body["id"] for contents in described]


def consistent_through(session: Session, environment_id: int) -> datetime | None:
    """The time up to which every stored statement can be seen; None in an empty store.

    Writers take turns and times only grow, so nothing older than what is seen is still to come.
    """
    return session.exec(
        select(sa.func.max(XapiStatement.stored_at)).where(
            XapiStatement.environment_id == environment_id
        )
    ).one()


def load(
    session: Session, environment_id: int, statement_id: str, *, voided: bool
) -> dict[str, Any]:
    """One statement's body.

    Raises:
        Problem: 404, when there is none, or it is voided and asked for as if it were not.
    """
    found = session.exec(
        select(XapiStatement).where(
            XapiStatement.environment_id == environment_id,
            XapiStatement.statement_id == statement_id.lower(),
            XapiStatement.is_voided == voided,
        )
    ).first()
    if found is None:
        what = "voided statement" if voided else "statement (or it is voided)"
        raise Problem(404, f"There is no {what} with the id {shown(statement_id)}.")
    return found.body


def find_voided(session: Session, environment_id: int, statement_ids: Sequence[str]) -> set[str]:
    """Which of these ids (in lower case) a stored statement voids, whether they are stored or not.

    A voiding statement itself cannot be voided: the caller knows which of the ids are such.
    """
    found = session.exec(
        select(XapiStatement.target_id).where(
            XapiStatement.environment_id == environment_id,
            col(XapiStatement.target_id).in_(statement_ids),
            col(XapiStatement.is_voiding).is_(True),
        )
    )
    return {str(target) for target in found}


def forget_before(session: Session, environment_id: int, before: datetime) -> int:
    """Remove statements stored before a time; gives how many. Their events stay in the lake."""
    return _forget(
        session,
        col(XapiStatement.environment_id) == environment_id,
        col(XapiStatement.stored_at) < before,
    )


def forget_learner(session: Session, environment_id: int, learner: str) -> int:
    """Remove every statement that names a learner (by pseudonym), in whatever role."""
    named = sa.select(col(XapiMention.position)).where(
        col(XapiMention.environment_id) == environment_id,
        col(XapiMention.role) == "learner",
        col(XapiMention.thing) == bytes.fromhex(learner),
    )
    return _forget(session, col(XapiStatement.position).in_(named))


def _forget(session: Session, *which: Any) -> int:
    return int(session.connection().execute(sa.delete(XapiStatement).where(*which)).rowcount)


def _take_turn(session: Session, dialect: str, environment_id: int) -> None:
    """One writer of an environment at a time, as SQLite has it anyway."""
    if dialect == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCKS + environment_id)))


def _next_time(session: Session, environment_id: int, now: datetime) -> datetime:
    """Later than everything stored, whatever the clocks of several servers say."""
    last = consistent_through(session, environment_id)
    return now if last is None or now > last else last + _TICK


def _check_voiding(described: Sequence[Contents], sender: Sender) -> None:
    if not sender.may_void and any(contents.is_voiding for contents in described):
        raise Problem(403, "Voiding needs a server key: a client key is public.")


def _known(
    session: Session, environment_id: int, described: Sequence[Contents]
) -> dict[str, XapiStatement]:
    ids = [contents.statement_id for contents in described]
    found = session.exec(
        select(XapiStatement).where(
            XapiStatement.environment_id == environment_id,
            col(XapiStatement.statement_id).in_(ids),
        )
    )
    return {statement.statement_id: statement for statement in found}


def _check_same(contents: Contents, stored: XapiStatement) -> None:
    """Data 2.3.1: a statement never changes; the same one again is no change."""
    is_same = contents.content_key == stored.content_key
    sent, kept = contents.happened_at, stored.happened_at or stored.stored_at
    if not is_same or (sent is not None and sent != kept):
        raise Problem(
            409,
            f"The statement {contents.body['id']} is stored with other contents, and a statement "
            "never changes. Nothing of this request was stored. Send it with a new id.",
        )


def _insert(
    session: Session, environment_id: int, new: Sequence[Contents], stored_at: datetime
) -> None:
    environment = session.get_one(Environment, environment_id)
    pseudonyms = Pseudonyms(environment.pseudonym_key)
    voided = _void(session, environment_id, new)
    rows = [
        {
            "environment_id": environment_id,
            "statement_id": contents.statement_id,
            "learner": _learner(contents, pseudonyms),
            "target_id": contents.target_id,
            "is_voiding": contents.is_voiding,
            "is_voided": contents.statement_id in voided and not contents.is_voiding,
            "content_key": contents.content_key,
            "happened_at": contents.happened_at,
            "stored_at": stored_at,
            "body": contents.body,
        }
        for contents in new
    ]
    # In their order: positions say which statement came first.
    added = sa.insert(XapiStatement).returning(
        col(XapiStatement.position), sort_by_parameter_order=True
    )
    positions = session.connection().execute(added, rows).scalars().all()
    session.connection().execute(
        sa.insert(XapiMention),
        [
            {"environment_id": environment_id, "role": role, "thing": thing, "position": position}
            for position, contents in zip(positions, new, strict=True)
            for role, thing in sorted(mentions_of(contents.body, pseudonyms))
        ],
    )
    counted = [
        (int(position or 0), contents.body)
        for position, contents, row in zip(positions, new, rows, strict=True)
        if not row["is_voided"]
    ]
    receipt = take(session, environment_id, XAPI, [body for _position, body in counted], stored_at)
    _note_waiting(session, environment_id, [counted[one.index] for one in receipt.refused])


def _note_waiting(
    session: Session, environment_id: int, refused: Sequence[tuple[int, dict[str, Any]]]
) -> None:
    """Note which statements are no events yet, for as long as the store has them."""
    if not refused:
        return
    rows = [
        {
            "position": position,
            "environment_id": environment_id,
            "content_key": received_key(body),
            "is_tried": False,
        }
        for position, body in refused
    ]
    session.connection().execute(sa.insert(XapiWaiting), rows)


def _learner(contents: Contents, pseudonyms: Pseudonyms) -> str | None:
    found = learner_id(contents.body["actor"])
    return None if found is None else pseudonyms.learner(found)


def _void(session: Session, environment_id: int, new: Sequence[Contents]) -> set[str]:
    """Mark what these statements void; gives the new ones' ids that are void from the start.

    A voiding statement cannot be voided, and one may come before what it voids.
    """
    targets = {str(contents.target_id) for contents in new if contents.is_voiding}
    session.connection().execute(
        sa.update(XapiStatement)
        .where(
            col(XapiStatement.environment_id) == environment_id,
            col(XapiStatement.statement_id).in_(sorted(targets)),
            col(XapiStatement.is_voiding).is_(False),
        )
        .values(is_voided=True)
    )
    return targets | find_voided(session, environment_id, [one.statement_id for one in new])
