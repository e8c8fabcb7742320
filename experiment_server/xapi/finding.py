"""Finding the statements that a GET asks for, at a cost that grows with the answer, not the store.

Within an environment positions grow with the time of storing (writers take turns), so a span of
time is a span of positions.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from experiment_server.xapi.contents import ACTIVITY, ACTOR, REGISTRATION, VERB
from experiment_server.xapi.models import XapiMention, XapiStatement
from experiment_server.xapi.query import Filter, Query

FOLLOWED: Final = 2  # statement references of statement references
FEW: Final = 2_000  # matches that are gathered whole
AT_ONCE: Final = 500  # values of one look-up
_RAREST_FIRST: Final = (REGISTRATION, ACTOR, ACTIVITY, VERB)


class Span(NamedTuple):
    """Positions to look at: after the first and up to the last, in which order, how many."""

    after: int
    last: int
    is_ascending: bool
    limit: int

    def cut(self, positions: Iterable[int]) -> list[int]:
        """These positions in order, each once, as many as are wanted."""
        return sorted(set(positions), reverse=not self.is_ascending)[: self.limit]

    def until(self, position: int) -> "Span":
        """The part of the span that comes before a position, and that."""
        if self.is_ascending:
            return self._replace(last=position)
        return self._replace(after=position - 1)


class Found(NamedTuple):
    """A statement on the way to a page."""

    position: int
    statement_id: str
    is_voided: bool

    def is_kept_in(self, span: Span) -> bool:
        """Whether it may be shown, and lies in the span."""
        return not self.is_voided and span.after < self.position <= span.last


def find(
    session: Session, environment_id: int, query: Query
) -> tuple[list[dict[str, Any]], int | None]:
    """The bodies of a page, and the position to continue after when there are more."""
    span = _span(session, environment_id, query)
    if query.filters:
        found = _find_filtered(session, environment_id, query.filters, span)
    else:
        every = sa.select(col(XapiStatement.position)).where(
            *_kept(XapiStatement, environment_id, span)
        )
        found = _read(session, every, col(XapiStatement.position), span)
    page = found[: query.limit]
    has_more = len(found) > len(page)
    return _load_bodies(session, page), page[-1] if has_more else None


def reference_matches(
    environment_id: int, filters: Sequence[Filter], n_steps: int, span: Span
) -> Any:
    """A query of the positions of references that lead in some steps to what fits."""
    source = XapiStatement
    found = sa.select(col(source.position)).where(
        *_kept(source, environment_id, span), col(source.target_id).is_not(None)
    )
    for _ in range(n_steps):
        target = aliased(XapiStatement)
        is_target = sa.and_(
            col(target.environment_id) == environment_id,
            col(target.statement_id) == source.target_id,
        )
        found = found.join(target, is_target)
        source = target
    return found.where(*_fits(col(source.position), environment_id, filters))


def direct_matches(environment_id: int, filters: Sequence[Filter], role: str, span: Span) -> Any:
    """A query of the positions of what fits itself, along the mentions of one role."""
    mentioned = col(XapiMention.position)
    only = Filter((role,), filters[0].thing)
    return (
        _mentions(environment_id, only)
        .join(XapiStatement, col(XapiStatement.position) == mentioned)
        .where(
            col(XapiStatement.is_voided).is_(False),
            mentioned > sa.literal(span.after),
            mentioned <= sa.literal(span.last),
            *_fits(mentioned, environment_id, filters[1:]),
        )
    )


def _find_filtered(
    session: Session, environment_id: int, filters: Sequence[Filter], span: Span
) -> list[int]:
    """The positions of statements that fit, or whose reference leads to one that does."""
    counted = [(_count_mentions(session, environment_id, one), one) for one in filters]
    ordered = [one for _n, one in sorted(counted, key=lambda pair: (pair[0], _rarity(pair[1])))]
    if min(n for n, _one in counted) <= FEW:
        gathered = _gather(session, environment_id, ordered)
        if gathered is not None:
            return span.cut(one.position for one in gathered if one.is_kept_in(span))
    return _walk(session, environment_id, ordered, span)


def _gather(session: Session, environment_id: int, filters: Sequence[Filter]) -> list[Found] | None:
    """All that fits and all that leads there, wherever it stands; None when it is not few."""
    first = _mentions(environment_id, filters[0])
    positions = sorted(set(session.connection().execute(first).scalars()))
    for other in filters[1:]:
        positions = _narrow(session, environment_id, other, positions)
    gathered = step = _look_up(session, col(XapiStatement.position), positions)
    of_environment = col(XapiStatement.environment_id) == environment_id
    for _ in range(FOLLOWED):
        ids = [one.statement_id for one in step]
        step = _look_up(session, col(XapiStatement.target_id), ids, of_environment)
        gathered = gathered + step
        if len(step) > FEW:
            return None
    return gathered


def _narrow(
    session: Session, environment_id: int, one: Filter, positions: Sequence[int]
) -> list[int]:
    """Those of the positions that are mentioned; looked up one by one, however many others are."""
    found: set[int] = set()
    for first in range(0, len(positions), AT_ONCE):
        some = col(XapiMention.position).in_(positions[first : first + AT_ONCE])
        mentioned = _mentions(environment_id, one).where(some)
        found.update(session.connection().execute(mentioned).scalars())
    return sorted(found)


def _look_up(session: Session, column: Any, wanted: Sequence[Any], *more: Any) -> list[Found]:
    """The statements with one of these values, by the column's index; beyond ``FEW``, some."""
    found: list[Found] = []
    columns = (
        col(XapiStatement.position),
        col(XapiStatement.statement_id),
        col(XapiStatement.is_voided),
    )
    for first in range(0, len(wanted), AT_ONCE):
        some: Any = sa.select(*columns).where(column.in_(wanted[first : first + AT_ONCE]), *more)
        rows = session.connection().execute(some.limit(FEW + 1))
        found += (Found(row.position, row.statement_id, row.is_voided) for row in rows)
        if len(found) > FEW:
            break
    return found


def _walk(
    session: Session, environment_id: int, filters: Sequence[Filter], span: Span
) -> list[int]:
    """A page of very many matches: along the mentions, and the references no further than that."""
    found: list[int] = []
    for role in filters[0].roles:
        matches = direct_matches(environment_id, filters, role, span)
        found += _read(session, matches, col(XapiMention.position), span)
    found = span.cut(found)
    nearer = span.until(found[-1]) if len(found) == span.limit else span
    for n_steps in range(1, FOLLOWED + 1):
        matches = reference_matches(environment_id, filters, n_steps, nearer)
        found += _read(session, matches, col(XapiStatement.position), nearer)
    return span.cut(found)


def _rarity(one: Filter) -> int:
    return _RAREST_FIRST.index(one.roles[0])


def _count_mentions(session: Session, environment_id: int, one: Filter) -> int:
    """How many mentions there are; beyond ``FEW``, only that."""
    some = _mentions(environment_id, one).limit(FEW + 1).subquery()
    counted = sa.select(sa.func.count()).select_from(some)
    return int(session.connection().execute(counted).scalar_one())


def _mentions(environment_id: int, one: Filter) -> Any:
    return sa.select(col(XapiMention.position)).where(
        col(XapiMention.environment_id) == environment_id,
        col(XapiMention.role).in_(one.roles),
        col(XapiMention.thing) == one.thing,
    )


def _fits(position: Any, environment_id: int, filters: Sequence[Filter]) -> list[Any]:
    fits = []
    for one in filters:
        mention = aliased(XapiMention)
        is_there = sa.exists().where(
            col(mention.environment_id) == environment_id,
            col(mention.role).in_(one.roles),
            col(mention.thing) == one.thing,
            col(mention.position) == position,
        )
        fits.append(is_there)
    return fits


def _kept(statement: Any, environment_id: int, span: Span) -> list[Any]:
    return [
        col(statement.environment_id) == environment_id,
        col(statement.is_voided).is_(False),
        col(statement.position) > sa.literal(span.after),
        col(statement.position) <= sa.literal(span.last),
    ]


def _read(session: Session, matches: Any, position: Any, span: Span) -> list[int]:
    order = position.asc() if span.is_ascending else position.desc()
    wanted = matches.order_by(order).limit(span.limit)
    return [int(found) for found in session.connection().execute(wanted).scalars()]


def _span(session: Session, environment_id: int, query: Query) -> Span:
    after = _position_at(session, environment_id, query.since) if query.since else 0
    last = _position_at(session, environment_id, query.until)
    if query.start is not None:
        if query.ascending:
            after = max(after, query.start)
        else:
            last = min(last, query.start - 1)
    return Span(after, last, query.ascending, query.limit + 1)


def _position_at(session: Session, environment_id: int, at: datetime | None) -> int:
    """The last position stored up to a time, or ever; 0 when there is none."""
    stored_at, position = col(XapiStatement.stored_at), col(XapiStatement.position)
    latest = sa.select(position).where(col(XapiStatement.environment_id) == environment_id)
    if at is not None:
        latest = latest.where(stored_at <= at)
    found = session.connection().execute(
        latest.order_by(stored_at.desc(), position.desc()).limit(1)
    )
    return int(found.scalar() or 0)


def _load_bodies(session: Session, positions: Sequence[int]) -> list[dict[str, Any]]:
    """The statements at these positions, in their order."""
    chosen = sa.select(col(XapiStatement.position), col(XapiStatement.body)).where(
        col(XapiStatement.position).in_(positions)
    )
    bodies = {row.position: row.body for row in session.connection().execute(chosen)}
    return [bodies[position] for position in positions if position in bodies]  # else erased now
