"""The payload of each environment, compiled once per version and kept in memory."""

from dataclasses import dataclass
from hashlib import sha256

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, select

from experiment_server.db import Database
from experiment_server.delivery.compile import compile_payload
from experiment_server.environments.models import Environment
from experiment_server.problems import not_found
from experiment_server.strict_json import dumps


@dataclass(frozen=True)
class Delivered:
    """A payload as it is sent."""

    version: int
    body: bytes
    etag: str


class PayloadCache:
    """Serves payloads; while the database is down, the last one of each environment."""

    def __init__(self) -> None:
        self._held: dict[int, Delivered] = {}

    def current(self, database: Database, environment_id: int) -> Delivered:
        """The payload of an environment.

        Raises:
            OperationalError: the database is down and this environment was never asked for.
        """
        held = self._held.get(environment_id)
        try:
            with database.read() as session:
                return self._fresh(session, environment_id, held)
        except (OperationalError, PoolTimeout):
            if held is None:
                raise
            structlog.get_logger().warning("payload_from_memory", version=held.version)
            return held

    def _fresh(self, session: Session, environment_id: int, held: Delivered | None) -> Delivered:
        # The version is read before the definitions: a change in between makes the payload newer
        # than its version says, and the next request compiles once more.
        query = select(Environment.payload_version).where(Environment.id == environment_id)
        version = session.exec(query).first()
        if version is None:
            raise not_found("environment", environment_id)
        if held is not None and held.version == version:
            return held
        environment = session.get_one(Environment, environment_id)
        body = dumps(compile_payload(session, environment))
        made = Delivered(version, body, sha256(body).hexdigest()[:32])
        self._held[environment_id] = made
        return made
