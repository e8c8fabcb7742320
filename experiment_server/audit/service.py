"""Writing and reading the audit log."""

from typing import Any, Final, TypedDict, Unpack

import sqlalchemy as sa
from sqlmodel import Session, col, select
from structlog.contextvars import get_contextvars

from experiment_server.audit.models import AuditEntry
from experiment_server.columns import utc_now
from experiment_server.security.roles import Actor

REDACTED: Final = frozenset({"password_hash", "secret_hash", "pseudonym_key", "csrf_token"})


class Change(TypedDict, total=False):
    """What an entry says beyond who did what to which resource."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    environment_id: int | None


def record(
    session: Session, actor: Actor, action: str, resource: str, **change: Unpack[Change]
) -> AuditEntry:
    """Add the entry to the change's own transaction, so that there is never one without the other.

    Secrets are left out whatever the caller passes. The time is the clock's own, even for a change
    that speaks of the past.
    """
    entry = AuditEntry(
        at=utc_now(),
        actor=actor.id,
        actor_title=actor.title,
        action=action,
        resource=resource,
        environment_id=change.get("environment_id"),
        before=_without_secrets(change.get("before")),
        after=_without_secrets(change.get("after")),
        request_id=str(get_contextvars().get("request_id", "")),
    )
    session.add(entry)
    return entry


def list_entries(
    session: Session,
    *,
    limit: int,
    before_id: int | None = None,
    environment_id: int | None = None,
    resource: str | None = None,
) -> list[AuditEntry]:
    """The newest entries first; ``before_id`` continues an earlier list.

    With an environment: its own changes and those of what all environments share, members apart.
    """
    query = select(AuditEntry).order_by(sa.desc(col(AuditEntry.id))).limit(limit)
    if before_id is not None:
        query = query.where(col(AuditEntry.id) < before_id)
    if environment_id is not None:
        shared = sa.and_(
            col(AuditEntry.environment_id).is_(None),
            col(AuditEntry.resource).not_like("member:%"),
        )
        query = query.where(sa.or_(col(AuditEntry.environment_id) == environment_id, shared))
    if resource is not None:
        query = query.where(AuditEntry.resource == resource)
    return list(session.exec(query))


def _without_secrets(values: dict[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {name: value for name, value in values.items() if name not in REDACTED}
