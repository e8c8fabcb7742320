"""Members: creating them, signing in and out, locking after repeated failures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.audit.service import record
from experiment_server.db import Database
from experiment_server.members.models import LoginSession, Member
from experiment_server.problems import Problem, invalid, not_found, taken
from experiment_server.security import csrf, passwords, sessions
from experiment_server.security.roles import ADMIN, ROLES, Actor

FREE_FAILURES: Final = 5  # wrong passwords before the account rests
FIRST_REST: Final = timedelta(minutes=1)  # doubled with each further failure
LONGEST_REST: Final = timedelta(hours=1)
REFUSED: Final = (
    "This e-mail and password do not fit, or the account rests after repeated failures. "
    "Try again, or ask an admin for a new password."
)


@dataclass(frozen=True)
class SignedIn:
    """A fresh session; the token goes into the cookie and is not stored."""

    member: Member
    token: str
    csrf_token: str


def create_member(
    session: Session, actor: Actor, email: str, role: str, password: str, now: datetime
) -> Member:
    """A new member.

    Raises:
        Problem: 422 for an address, role or password that does not fit; 409 for one that is taken.
    """
    address = normal_email(email)
    _check_role(role)
    if _by_email(session, address) is not None:
        raise taken("member", address)
    member = Member(
        email=address,
        title=address.partition("@")[0],
        role=role,
        password_hash=passwords.hash_password(password),
        created_at=now,
    )
    session.add(member)
    session.flush()
    record(
        session,
        actor,
        "member.create",
        f"member:{member.id}",
        after={"email": address, "role": role},
    )
    return member


def list_members(session: Session) -> Sequence[Member]:
    """Every member, by e-mail."""
    return session.exec(select(Member).order_by(col(Member.email))).all()


def load_member(session: Session, email: str) -> Member:
    """The member with this e-mail.

    Raises:
        Problem: 404.
    """
    member = _by_email(session, normal_email(email))
    if member is None:
        raise not_found("member", email)
    return member


def load_member_by_id(session: Session, member_id: int) -> Member:
    """The member with this id, locked for a change.

    Raises:
        Problem: 404.
    """
    member = session.get(Member, member_id, with_for_update=True)
    if member is None:
        raise not_found("member", member_id)
    return member


def change_member(
    session: Session, actor: Actor, member: Member, change: dict[str, str | bool], now: datetime
) -> Member:
    """Set a member's ``role``, ``password`` or ``disabled``; each closes their open sessions.

    Raises:
        Problem: 422; 409 when no active admin would be left.
    """
    before = _shown(member)
    if "role" in change:
        member.role = _check_role(str(change["role"]))
    if "disabled" in change:
        member.disabled_at = now if change["disabled"] else None
    if "password" in change:
        member.password_hash = passwords.hash_password(str(change["password"]))
        member.failed_logins, member.locked_until = 0, None
    session.flush()
    if before["role"] == ADMIN:
        _keep_an_admin(session)
    session.execute(sa.delete(LoginSession).where(col(LoginSession.member_id) == member.id))
    after = {**_shown(member), "password_changed": "password" in change}
    record(session, actor, "member.change", f"member:{member.id}", before=before, after=after)
    return member


def sign_in(database: Database, email: str, password: str, now: datetime) -> SignedIn:
    """A new session for the right e-mail and password.

    An unknown member, a wrong password, a resting and a disabled account get the same answer after
    the same work.

    Raises:
        Problem: 401.
    """
    with database.read() as session:
        member = _by_email(session, email.strip().lower())
    fits = passwords.verify_password(member.password_hash if member else None, password)
    if member is None or not _may_sign_in(member, now):
        raise Problem(401, REFUSED)
    if not fits:
        _count_failure(database, member, now)
        raise Problem(401, REFUSED)
    return _open_session(database, member, password, now)


def sign_out(database: Database, token: str) -> None:
    """Close a session; closing an unknown one changes nothing."""
    with database.write() as session:
        token_hash = sessions.hash_token(token)
        session.execute(sa.delete(LoginSession).where(col(LoginSession.token_hash) == token_hash))


def actor_of_session(database: Database, token: str, now: datetime) -> tuple[Actor, str] | None:
    """Who a session's cookie speaks for, and its CSRF token; None when it is over."""
    token_hash = sessions.hash_token(token)
    with database.read() as session:
        query = select(LoginSession, Member).where(
            LoginSession.token_hash == token_hash, LoginSession.member_id == Member.id
        )
        found = session.exec(query).first()
    if found is None:
        return None
    login, member = found
    alive = sessions.is_alive(login.last_seen_at, login.expires_at, now)
    if not alive or member.disabled_at is not None:
        return None
    if now - login.last_seen_at > sessions.TOUCH_AFTER:
        _touch(database, token_hash, now)
    actor = Actor(id=f"member:{member.id}", title=member.email, role=member.role)
    return actor, login.csrf_token


def normal_email(email: str) -> str:
    """An e-mail address as it is stored.

    Raises:
        Problem: 422.
    """
    address = email.strip().lower()
    name, at, host = address.partition("@")
    if (
        not (name and at and host)
        or len(address) > 254
        or not address.isprintable()
        or " " in address
    ):
        raise invalid("email", email, "an e-mail address", "For example ada@example.org.")
    return address


def _check_role(role: str) -> str:
    if role not in ROLES:
        raise invalid(
            "role", role, "one of " + ", ".join(ROLES), "Each may do what the former may."
        )
    return role


def _by_email(session: Session, address: str) -> Member | None:
    return session.exec(select(Member).where(Member.email == address)).first()


def _may_sign_in(member: Member, now: datetime) -> bool:
    resting = member.locked_until is not None and now < member.locked_until
    return member.disabled_at is None and not resting


def _count_failure(database: Database, member: Member, now: datetime) -> None:
    with database.write() as session:
        stored = session.get(Member, member.id, with_for_update=True)
        if stored is None:
            return
        stored.failed_logins += 1
        beyond = stored.failed_logins - FREE_FAILURES
        if beyond >= 0:
            stored.locked_until = now + min(FIRST_REST * 2 ** min(beyond, 10), LONGEST_REST)


def _open_session(database: Database, member: Member, password: str, now: datetime) -> SignedIn:
    token, csrf_token = sessions.make_token(), csrf.make_token()
    with database.write() as session:
        stored = session.get(Member, member.id, with_for_update=True)
        if stored is None:
            raise Problem(401, REFUSED)
        stored.failed_logins, stored.locked_until = 0, None
        if passwords.needs_new_hash(stored.password_hash):
            stored.password_hash = passwords.hash_password(password)
        session.execute(sa.delete(LoginSession).where(col(LoginSession.expires_at) < now))
        session.add(
            LoginSession(
                token_hash=sessions.hash_token(token),
                member_id=int(stored.id or 0),
                csrf_token=csrf_token,
                created_at=now,
                last_seen_at=now,
                expires_at=now + sessions.ABSOLUTE,
            )
        )
        actor = Actor(id=f"member:{stored.id}", title=stored.email, role=stored.role)
        record(session, actor, "member.sign_in", f"member:{stored.id}")
    return SignedIn(stored, token, csrf_token)


def _touch(database: Database, token_hash: str, now: datetime) -> None:
    with database.write() as session:
        login = session.get(LoginSession, token_hash, with_for_update=True)
        if login is not None:
            login.last_seen_at = now


def _keep_an_admin(session: Session) -> None:
    active = select(Member).where(Member.role == ADMIN, col(Member.disabled_at).is_(None))
    if session.exec(active).first() is None:
        raise Problem(409, "This would leave nobody with the role admin. Make another admin first.")


def _shown(member: Member) -> dict[str, str | bool]:
    return {
        "email": member.email,
        "role": member.role,
        "disabled": member.disabled_at is not None,
    }
