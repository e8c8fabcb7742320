"""The payload of each environment, compiled once per version and kept in memory."""

import gzip
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, select

from assignment import Payload, parse_payload
from experiment_server.columns import utc_now
from experiment_server.db import Database
from experiment_server.delivery.compile import compile_payload, list_server_only, secrets_of
from experiment_server.delivery.protect import plain_growthbook, protect
from experiment_server.environments.models import Environment
from experiment_server.problems import not_found
from experiment_server.strict_json import dumps

SERVERS: Final = "servers"  # everything
CLIENTS: Final = "clients"  # nobody's id, no secret attribute's value, no flag for servers only
GROWTHBOOK: Final = "growthbook"  # the clients', in GrowthBook's words alone
WORTH_PACKING: Final = 1_000  # bytes
MOST_ENCRYPTED: Final = 32  # kept for so many keys; others are encrypted for each request


@dataclass(frozen=True)
class Delivered:
    """A payload as it is sent."""

    body: bytes
    packed: bytes | None  # gzip; None when it is too short to gain
    etag: str
    content: Mapping[str, Any]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Delivered":
        """The payload, written out."""
        body = dumps(content)
        packed = gzip.compress(body, 6, mtime=0) if len(body) >= WORTH_PACKING else None
        return cls(body, packed, sha256(body).hexdigest()[:32], content)


@dataclass(frozen=True)
class Edition:
    """One version of an environment's definitions, in every form that is asked for."""

    version: int
    for_readers: Mapping[str, Delivered]
    rules: Payload  # the whole, ready to be evaluated
    server_only: frozenset[str]
    turned_at: datetime | None = None  # when a design moved on by itself last
    until: datetime | None = None  # when one will next
    encrypted: dict[tuple[str, str], Delivered] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """A text that changes whenever what is delivered may have changed."""
        turned = "" if self.turned_at is None else f".{int(self.turned_at.timestamp())}"
        return f"v{self.version}{turned}"

    def __getitem__(self, reader: str) -> Delivered:
        """The payload as SERVERS, CLIENTS or GROWTHBOOK receive it."""
        return self.for_readers[reader]

    def delivered(self, reader: str, payload_key: str | None) -> Delivered:
        """The same, encrypted when the caller's key asks for it."""
        if payload_key is None:
            return self[reader]
        made = self.encrypted.get((reader, payload_key))
        if made is None:
            from experiment_server.delivery.encrypt import encrypt_payload  # an extra's package

            made = Delivered.of(encrypt_payload(self[reader].content, payload_key))
            if len(self.encrypted) < MOST_ENCRYPTED:
                self.encrypted[reader, payload_key] = made
        return made


class PayloadCache:
    """Serves payloads; while the database is down, the last one of each environment."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """With a clock for ages, and one that says which period of a design it is."""
        self._clock = clock
        self._now = now
        self._held: dict[int, Edition] = {}
        self._looked_at: dict[int, float] = {}

    def current(self, database: Database, environment_id: int, max_age_s: float = 0.0) -> Edition:
        """The payload of an environment.

        Args:
            database: where definitions are.
            environment_id: whose.
            max_age_s: for so long after a look at the database, none is made.

        Raises:
            OperationalError: the database is down and this environment was never asked for.
        """
        held = self._held.get(environment_id)
        now = self._clock()
        if held is not None and now - self._looked_at[environment_id] < max_age_s:
            return held
        self._looked_at[environment_id] = now  # the others need not look at the same moment
        try:
            with database.read() as session:
                return self._fresh(session, environment_id, held)
        except (OperationalError, PoolTimeout):
            if held is None:
                raise
            structlog.get_logger().warning("payload_from_memory", version=held.version)
            return held

    def _fresh(self, session: Session, environment_id: int, held: Edition | None) -> Edition:
        # The version is read before the definitions: a change in between makes the payload newer
        # than its version says, and the next request compiles once more.
        query = select(Environment.payload_version).where(Environment.id == environment_id)
        version = session.exec(query).first()
        if version is None:
            raise not_found("environment", environment_id)
        now = self._now()
        if held is not None and held.version == version and (not held.until or now < held.until):
            return held
        made = _edition(session, session.get_one(Environment, environment_id), version, now)
        self._held[environment_id] = made
        return made


def _edition(session: Session, environment: Environment, version: int, now: datetime) -> Edition:
    compiled = compile_payload(session, environment, now)
    whole = compiled.content
    server_only = list_server_only(session)
    shown = protect(whole, server_only, secrets_of(environment))
    contents = {SERVERS: whole, CLIENTS: shown, GROWTHBOOK: plain_growthbook(shown)}
    return Edition(
        version=version,
        for_readers={reader: Delivered.of(content) for reader, content in contents.items()},
        rules=parse_payload(whole, lenient=True),
        server_only=server_only,
        turned_at=compiled.turned_at,
        until=compiled.until,
    )
