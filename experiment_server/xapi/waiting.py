"""Statements that are no events yet, read again in their store when the rules have changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col

from experiment_server.audit.service import record
from experiment_server.db import Database
from experiment_server.environments.models import Environment
from experiment_server.ingest.mapped import XAPI, read_stored
from experiment_server.quarantine import service as quarantine
from experiment_server.quarantine.held import DISCARDED, REPLAYED, WAITING, received_key
from experiment_server.quarantine.models import QuarantinedItem
from experiment_server.quarantine.service import OVERFLOW, Chosen, Replayed
from experiment_server.security.roles import Actor
from experiment_server.xapi.models import XapiStatement, XapiWaiting

PAGE_ROWS: Final = 100  # of one transaction: 25 MB at most
MAX_READ: Final = 10_000  # of one call, so that it answers in time
VOIDED: Final = "its sender voided it"


def replay(
    database: Database, actor: Actor, environment: Environment, chosen: Chosen, now: datetime
) -> Replayed:
    """Read statements again that quarantine does not hold whole; each is an event at most once.

    At most ``MAX_READ`` are tried; when more are left, the next call goes on after them.
    """
    environment_id = int(environment.id or 0)
    tried, taken, kept, after = 0, 0, 0, 0
    while tried < MAX_READ:
        with database.write() as session:
            page = _load_page(session, environment_id, chosen, after)
            n_taken, n_kept = _read_page(session, environment_id, page, now)
        if not page:
            break
        tried, taken, kept = tried + len(page), taken + n_taken, kept + n_kept
        after = page[-1].position
    with database.write() as session:
        left = 0 if tried < MAX_READ else _count_after(session, environment_id, chosen, after)
        if not chosen.ids:
            _mark_tried(session, environment_id, after if left else None)
        _settle_overflow(session, environment_id, now)
        done = Replayed(taken, kept, left)
        if tried:
            resource = f"quarantine:{environment.key}"
            counted = done._asdict()
            action = "quarantine.replay_statements"
            record(session, actor, action, resource, after=counted, environment_id=environment_id)
    return done


def set_aside(session: Session, environment_id: int, chosen: Chosen) -> None:
    """Never read the statements again that stand in quarantine as these waiting things."""
    keys = quarantine.waiting_keys(environment_id, XAPI, chosen)
    _forget(
        session,
        col(XapiWaiting.environment_id) == environment_id,
        col(XapiWaiting.content_key).in_(keys),
    )


def _load_page(
    session: Session, environment_id: int, chosen: Chosen, after: int
) -> Sequence[sa.Row[Any]]:
    """The next statements to try, their notes locked until the transaction ends."""
    page = (
        sa.select(
            col(XapiWaiting.position),
            col(XapiWaiting.content_key),
            _in_quarantine().label("is_listed"),
            col(XapiStatement.is_voided),
            col(XapiStatement.stored_at),
            col(XapiStatement.body),
        )
        .join(XapiStatement, col(XapiStatement.position) == col(XapiWaiting.position))
        .where(*_which(environment_id, chosen), col(XapiWaiting.position) > after)
        .order_by(col(XapiWaiting.position))
        .limit(PAGE_ROWS)
        .with_for_update(of=XapiWaiting)
    )
    return session.connection().execute(page).all()


def _read_page(
    session: Session, environment_id: int, page: Sequence[sa.Row[Any]], now: datetime
) -> tuple[int, int]:
    """How many became events, and how many are refused still that quarantine does not count."""
    if not page:
        return 0, 0
    wanted = [row for row in page if not row.is_voided]
    came = [(row.stored_at, row.body) for row in wanted]
    receipt = read_stored(session, environment_id, XAPI, came, now)
    refused = {wanted[one.index].position: wanted[one.index] for one in receipt.refused}
    taken = [row for row in wanted if row.position not in refused]
    _settle(session, environment_id, taken, {"status": REPLAYED, "settled_at": now})
    voided = [row for row in page if row.is_voided]
    aside = {"status": DISCARDED, "settled_at": now, "note": VOIDED}
    _settle(session, environment_id, voided, aside)
    return receipt.accepted, sum(not row.is_listed for row in refused.values())


def _settle(
    session: Session, environment_id: int, rows: Sequence[sa.Row[Any]], values: dict[str, Any]
) -> None:
    """These statements wait no more, nor does what quarantine has of them."""
    if rows:
        _forget(session, col(XapiWaiting.position).in_([row.position for row in rows]))
        keys = [row.content_key for row in rows if row.content_key is not None]
        quarantine.settle(session, environment_id, XAPI, keys, values)


def _which(environment_id: int, chosen: Chosen) -> list[Any]:
    """Those not tried yet that quarantine has lost, or has chosen in part only."""
    in_part = _in_quarantine(
        col(QuarantinedItem.is_whole).is_(False),
        col(XapiWaiting.content_key).in_(quarantine.waiting_keys(environment_id, XAPI, chosen)),
    )
    of_environment = col(XapiWaiting.environment_id) == environment_id
    if chosen.ids:
        return [of_environment, in_part]
    untried = col(XapiWaiting.is_tried).is_(False)
    return [of_environment, untried, sa.or_(~_in_quarantine(), in_part)]


def _in_quarantine(*more: Any) -> Any:
    """Whether a waiting thing of quarantine is the statement."""
    return sa.exists().where(
        col(QuarantinedItem.environment_id) == col(XapiWaiting.environment_id),
        col(QuarantinedItem.standard) == XAPI,
        col(QuarantinedItem.content_key) == col(XapiWaiting.content_key),
        col(QuarantinedItem.status) == WAITING,
        *more,
    )


def _count_after(session: Session, environment_id: int, chosen: Chosen, after: int) -> int:
    left = sa.select(sa.func.count()).select_from(XapiWaiting)
    counted = left.where(*_which(environment_id, chosen), col(XapiWaiting.position) > after)
    return int(session.connection().execute(counted).scalar_one())


def _mark_tried(session: Session, environment_id: int, through: int | None) -> None:
    """Let the next call go on after a position; None: let it begin anew."""
    of_environment = sa.update(XapiWaiting).where(
        col(XapiWaiting.environment_id) == environment_id,
        col(XapiWaiting.is_tried).is_(through is None),
    )
    marked = of_environment.values(is_tried=through is not None)
    if through is not None:
        marked = marked.where(col(XapiWaiting.position) <= through)
    session.connection().execute(marked)


def _settle_overflow(session: Session, environment_id: int, now: datetime) -> None:
    """What was only counted waits no more once quarantine holds every statement that does."""
    of_environment = col(XapiWaiting.environment_id) == environment_id
    some = sa.select(col(XapiWaiting.position)).where(of_environment, ~_in_quarantine()).limit(1)
    if session.connection().execute(some).first() is None:
        values = {"status": REPLAYED, "settled_at": now}
        keys = [received_key(OVERFLOW.raw)]
        quarantine.settle(session, environment_id, XAPI, keys, values)


def _forget(session: Session, *which: Any) -> None:
    session.connection().execute(sa.delete(XapiWaiting).where(*which))
