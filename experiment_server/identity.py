"""Who a request is from: a program's key, or a signed-in member's cookie."""

from base64 import b64decode
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import structlog
from flask import Request, g
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from experiment_server.environments import service as environments
from experiment_server.members import service as members
from experiment_server.problems import forbidden, unauthorised
from experiment_server.security import sessions
from experiment_server.security.api_keys import (
    PATH_ARGUMENT,
    hash_key,
    is_well_formed,
    prefix_of,
)
from experiment_server.security.roles import CLIENT, Actor
from experiment_server.state import State

FRESH: Final = timedelta(seconds=2)  # how long a revoked key may still work
MAX_REMEMBERED: Final = 10_000
_SCHEME: Final = "bearer "
_BASIC: Final = "basic "
_BASIC_PLACES: Final = "/xapi/"  # where the standard's clients send user name and password
_UNKNOWN: Final = "This key is unknown or revoked. Ask an admin for a new one."


class Identity:
    """Finds out who is calling; remembers keys for a moment, and while the database is down."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[str, tuple[Actor, datetime]] = {}
        self._lock = Lock()

    def __call__(self, request: Request) -> Actor | None:
        """The actor of a request; None for a stranger.

        Raises:
            Problem: 401, for a key that is not (or no longer) one of ours; 403, for a key in the
                path that is too precious to stand there.
        """
        in_path = (request.view_args or {}).get(PATH_ARGUMENT)
        if in_path is not None:
            return self._by_path(in_path)
        header = request.headers.get("Authorization")
        if header is not None:
            if header.lower().startswith(_BASIC) and request.path.startswith(_BASIC_PLACES):
                return self._by_basic(header)
            return self._by_header(header)
        key = request.headers.get("X-API-Key")
        if key is not None:
            return self._by_header(_SCHEME + key)
        token = request.cookies.get(sessions.cookie_name(self._state.settings.secure_cookies))
        return self._by_cookie(token) if token else None

    def _by_path(self, secret: str) -> Actor:
        actor = self._of_key(secret) if is_well_formed(secret) else None
        if actor is None:
            raise unauthorised(_UNKNOWN)
        if actor.key_kind != CLIENT:
            raise forbidden(
                "An address is written into logs, so only a client key (mo_client_...) may stand "
                "in it. Take this key out of use and make a client key."
            )
        return actor

    def _by_header(self, header: str) -> Actor:
        secret = header[len(_SCHEME) :].strip()
        if not header.lower().startswith(_SCHEME) or not is_well_formed(secret):
            raise unauthorised(
                "The header Authorization holds no Momentum key. "
                "Send it as: Authorization: Bearer mo_server_..."
            )
        actor = self._of_key(secret)
        if actor is None:
            raise unauthorised(_UNKNOWN)
        return actor

    def _by_basic(self, header: str) -> Actor:
        """The key as password; its shown beginning as user name, so that neither is guessed."""
        user, _colon, secret = _decoded(header[len(_BASIC) :]).partition(":")
        if not is_well_formed(secret) or user != prefix_of(secret):
            raise unauthorised(
                "The user name is the beginning of a key as the list of keys shows it "
                "(mo_server_ and six characters), the password is the whole key."
            )
        return self._by_header(_SCHEME + secret)

    def _of_key(self, secret: str) -> Actor | None:
        now = self._state.clock()
        key_hash = hash_key(secret)
        known = self._known.get(key_hash)
        if known is not None and now - known[1] < FRESH:
            return known[0]
        try:
            with self._state.database.read() as session:
                actor = environments.actor_of_key(session, secret)
        except (OperationalError, PoolTimeout):
            if known is None:
                raise
            structlog.get_logger().warning("key_from_memory", key=known[0].id)
            return known[0]  # flags stay served while the database is down
        self._remember(key_hash, actor, now)
        return actor

    def _remember(self, key_hash: str, actor: Actor | None, now: datetime) -> None:
        with self._lock:
            if actor is None:
                self._known.pop(key_hash, None)
            elif key_hash in self._known or len(self._known) < MAX_REMEMBERED:
                self._known[key_hash] = (actor, now)

    def _by_cookie(self, token: str) -> Actor | None:
        found = members.actor_of_session(self._state.database, token, self._state.clock())
        if found is None:
            return None
        actor, g.csrf_token = found
        return actor


def _decoded(text: str) -> str:
    try:
        return b64decode(text.strip(), validate=True).decode()
    except ValueError:
        return ""
