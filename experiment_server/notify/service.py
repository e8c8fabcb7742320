"""The outbox: a message is stored with what caused it, and sent until its channel takes it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from experiment_server.audit.service import record
from experiment_server.db import Database
from experiment_server.environments.models import Environment
from experiment_server.notify.channels import CHANNELS
from experiment_server.notify.channels.channel import BadTargetError, Message, UnsendableError
from experiment_server.notify.models import Channel, OutboxMessage
from experiment_server.problems import invalid
from experiment_server.security.roles import Actor

MAX_ATTEMPTS: Final = 8
FIRST_RETRY: Final = timedelta(seconds=30)  # grows fourfold, up to the longest
LONGEST_RETRY: Final = timedelta(hours=6)
DEFAULT_FILE: Final = "reports.log"
_ERROR_LENGTH: Final = 1_000


class Delivery(NamedTuple):
    """What one round of sending came to."""

    sent: int
    failed: int


def ensure_channels(session: Session, environment: Environment, now: datetime) -> None:
    """Give an environment that never had a channel the two that always work: a file and the log."""
    if list_channels(session, environment):
        return
    for kind, title, url in (("file", "Reports file", DEFAULT_FILE), ("log", "Server log", "")):
        session.add(_channel(environment, kind, title, url, now))
    session.flush()


def add_channel(
    session: Session,
    actor: Actor,
    environment: Environment,
    wanted: tuple[str, str, str],
    data_dir: Path,
    now: datetime,
) -> Channel:
    """A new channel; ``wanted`` is kind, title, URL.

    Raises:
        Problem: 422, when the kind is unknown or its URL cannot work.
    """
    kind, title, url = wanted
    if kind not in CHANNELS:
        raise invalid("kind", kind, "one of " + ", ".join(CHANNELS), "Example: apprise_url.")
    try:
        CHANNELS[kind].check(url, data_dir)
    except BadTargetError as error:
        raise invalid("url", "a target that cannot work", "one that fits", str(error)) from error
    channel = _channel(environment, kind, title, url, now)
    session.add(channel)
    session.flush()
    record(
        session,
        actor,
        "channel.create",
        f"channel:{channel.id}",
        after={"kind": kind, "title": title},  # the URL of a service holds its secret
        environment_id=environment.id,
    )
    return channel


def list_channels(session: Session, environment: Environment) -> Sequence[Channel]:
    """The environment's channels, switched off ones included."""
    query = select(Channel).where(Channel.environment_id == environment.id)
    return session.exec(query.order_by(col(Channel.id))).all()


def enqueue(session: Session, environment: Environment, message: Message, now: datetime) -> int:
    """Put a message into the outbox of every channel that is on; gives how many.

    It is in the caller's transaction: there is no message about what did not happen.
    """
    ensure_channels(session, environment, now)
    channels = [channel for channel in list_channels(session, environment) if channel.enabled]
    for channel in channels:
        session.add(
            OutboxMessage(
                channel_id=channel.id or 0,
                title=message.title[:200],
                text=message.text,
                next_attempt_at=now,
                created_at=now,
            )
        )
    return len(channels)


def has_waiting(session: Session, now: datetime) -> bool:
    """Whether a message waits for its next attempt."""
    return session.exec(_waiting(now).limit(1)).first() is not None


def deliver(database: Database, data_dir: Path, now: datetime) -> Delivery:
    """Try to send every message whose time has come."""
    with database.read() as session:
        waiting = [
            (message, session.get_one(Channel, message.channel_id))
            for message in session.exec(_waiting(now))
        ]
    sent = failed = 0
    for message, channel in waiting:
        if _claim(database, message, now):
            taken = _attempt(database, message, channel, data_dir, now)
            sent, failed = sent + taken, failed + (not taken)
    return Delivery(sent, failed)


def _waiting(now: datetime) -> SelectOfScalar[OutboxMessage]:
    return (
        select(OutboxMessage)
        .where(col(OutboxMessage.sent_at).is_(None))
        .where(OutboxMessage.attempts < MAX_ATTEMPTS)
        .where(OutboxMessage.next_attempt_at <= now)
        .order_by(col(OutboxMessage.id))
    )


def _claim(database: Database, message: OutboxMessage, now: datetime) -> bool:
    """Take one attempt; another server that wants the same one gets none.

    Counted before it is made: a message that kills its sender must not do so for ever.
    """
    pause = min(FIRST_RETRY * 4**message.attempts, LONGEST_RETRY)
    with database.write() as session:
        claimed = session.connection().execute(
            sa.update(OutboxMessage)
            .where(col(OutboxMessage.id) == message.id, col(OutboxMessage.sent_at).is_(None))
            .where(col(OutboxMessage.attempts) == message.attempts)
            .values(attempts=message.attempts + 1, next_attempt_at=now + pause)
        )
    return claimed.rowcount == 1


def _attempt(
    database: Database, message: OutboxMessage, channel: Channel, data_dir: Path, now: datetime
) -> bool:
    error = ""
    try:
        CHANNELS[channel.kind].send(channel.url, Message(message.title, message.text), data_dir)
    except Exception as failure:  # the other messages must survive whatever a service does
        error = _describe(failure)
        structlog.get_logger().warning(
            "message_not_sent", channel=channel.title, attempt=message.attempts + 1, error=error
        )
    with database.write() as session:
        session.connection().execute(
            sa.update(OutboxMessage)
            .where(col(OutboxMessage.id) == message.id)
            .values(error=error, **({} if error else {"sent_at": now}))
        )
    return not error


def _describe(failure: Exception) -> str:
    """What went wrong. A foreign error's text may hold the URL, and so a secret: it stays out."""
    if isinstance(failure, UnsendableError | BadTargetError):
        return str(failure)[:_ERROR_LENGTH].replace("\x00", "")
    return type(failure).__name__


def _channel(environment: Environment, kind: str, title: str, url: str, now: datetime) -> Channel:
    if environment.id is None:
        raise ValueError(f"environment {environment.key!r} is not stored yet")
    return Channel(environment_id=environment.id, kind=kind, title=title, url=url, created_at=now)
