"""Holdouts: starting, ending, and what they keep their units out of."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.audit.service import record
from experiment_server.domains import DOMAINS
from experiment_server.environments.models import Environment
from experiment_server.environments.service import touch_payload
from experiment_server.holdouts.models import Holdout
from experiment_server.problems import (
    FieldError,
    check_version,
    conflict,
    invalid_fields,
    not_found,
    shown,
    taken,
)
from experiment_server.security.roles import Actor

UNIT_KINDS: Final = ("learner", "team")
MOST_ACTIVE: Final = 10  # in one environment: each is a rule in front of every experiment
FIELDS: Final = ("key", "title", "domain", "unit_kind", "share", "includes_running")


def start_holdout(
    session: Session, actor: Actor, environment: Environment, wish: Mapping[str, Any], now: datetime
) -> Holdout:
    """Keep a share of the units out of experiments from now on; ``wish`` has ``FIELDS``.

    Raises:
        Problem: 422, naming every field that does not fit; 409 when the key is taken or the
            environment has too many already.
    """
    key, environment_id = wish["key"], int(environment.id or 0)
    errors = [
        FieldError(field, shown(wish[field]), "one of " + ", ".join(known), f"Example: {known[0]}.")
        for field, known in (("domain", DOMAINS), ("unit_kind", UNIT_KINDS))
        if wish[field] not in known and not (field == "domain" and wish[field] is None)
    ]
    if errors:
        raise invalid_fields(errors)
    if _find(session, environment_id, key) is not None:
        raise taken("holdout", key)
    if len(list_active(session, environment_id)) >= MOST_ACTIVE:
        raise conflict(f"At most {MOST_ACTIVE} holdouts are active at once. End one of them first.")
    holdout = Holdout(
        environment_id=environment_id,
        **{field: wish[field] for field in FIELDS},
        seed=f"holdout:{key}:1",
        started_at=now,
        created_at=now,
        updated_at=now,
    )
    session.add(holdout)
    session.flush()
    touch_payload(session, environment_id)
    _note(session, actor, "start", holdout, None)
    return holdout


def rename_holdout(
    session: Session, actor: Actor, holdout: Holdout, version: int, title: str, now: datetime
) -> Holdout:
    """Another title; nothing else of a holdout can change, since that would move people.

    Raises:
        Problem: 412, when ``version`` is not the current one.
    """
    session.refresh(holdout, with_for_update=True)
    check_version(f"holdout {holdout.key}", version, holdout.version)
    before = plain(holdout)
    holdout.title = title
    _move_on(holdout, now)
    _note(session, actor, "rename", holdout, before)
    return holdout


def end_holdout(
    session: Session, actor: Actor, holdout: Holdout, reason: str, now: datetime
) -> Holdout:
    """Let its units into experiments, from now on and for good.

    Raises:
        Problem: 409, when it has ended already.
    """
    session.refresh(holdout, with_for_update=True)
    if holdout.ended_at is not None:
        raise conflict(f"The holdout {holdout.key} has ended already. Start one of another key.")
    before = plain(holdout)
    holdout.ended_at, holdout.end_reason = now, reason
    _move_on(holdout, now)
    touch_payload(session, holdout.environment_id)
    _note(session, actor, "end", holdout, before)
    return holdout


def load_holdout(session: Session, environment_id: int, key: str) -> Holdout:
    """The holdout of this key in an environment.

    Raises:
        Problem: 404.
    """
    found = _find(session, environment_id, key)
    if found is None:
        raise not_found("holdout", key)
    return found


def list_holdouts(session: Session, environment_id: int) -> Sequence[Holdout]:
    """An environment's holdouts, the newest first."""
    query = select(Holdout).where(Holdout.environment_id == environment_id)
    return session.exec(query.order_by(sa.desc(col(Holdout.id)))).all()


def list_active(session: Session, environment_id: int) -> Sequence[Holdout]:
    """Those that have not ended, by key."""
    query = (
        select(Holdout)
        .where(Holdout.environment_id == environment_id, col(Holdout.ended_at).is_(None))
        .order_by(col(Holdout.key))
    )
    return session.exec(query).all()


def covers(holdout: Holdout, domain: str, started_at: datetime) -> bool:
    """Whether a holdout keeps its units out of an experiment of this domain and start.

    What ran already when the holdout started is left alone unless it says otherwise: learners who
    are in an experiment stay in it.
    """
    if holdout.ended_at is not None or holdout.domain not in (None, domain):
        return False
    return holdout.includes_running or started_at >= holdout.started_at


def plain(holdout: Holdout) -> dict[str, Any]:
    """A holdout's values as JSON."""
    return {
        **{field: getattr(holdout, field) for field in FIELDS},
        "seed": holdout.seed,
        "started_at": holdout.started_at.isoformat(),
        "ended_at": holdout.ended_at.isoformat() if holdout.ended_at else None,
        "end_reason": holdout.end_reason,
        "version": holdout.version,
    }


def _find(session: Session, environment_id: int, key: str) -> Holdout | None:
    query = select(Holdout).where(Holdout.environment_id == environment_id, Holdout.key == key)
    return session.exec(query).first()


def _move_on(holdout: Holdout, now: datetime) -> None:
    holdout.version += 1
    holdout.updated_at = now


def _note(
    session: Session, actor: Actor, verb: str, holdout: Holdout, before: dict[str, Any] | None
) -> None:
    record(
        session,
        actor,
        f"holdout.{verb}",
        f"holdout:{holdout.key}",
        before=before,
        after=plain(holdout),
        environment_id=holdout.environment_id,
    )
