"""Signed-in browsers: opaque tokens, stored hashed, with an idle and an absolute end."""

from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final

IDLE: Final = timedelta(hours=8)
ABSOLUTE: Final = timedelta(days=7)
TOUCH_AFTER: Final = timedelta(minutes=1)  # last_seen_at is this exact, to spare a write a request


def cookie_name(secure: bool) -> str:
    """The session cookie; behind TLS its prefix binds it to this host."""
    return "__Host-momentum_session" if secure else "momentum_session"


def make_token() -> str:
    """A new secret of 256 random bits."""
    return token_urlsafe(32)


def hash_token(token: str) -> str:
    """What the database holds in the token's place."""
    return sha256(token.encode()).hexdigest()


def is_alive(last_seen_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Whether a session is within both of its limits."""
    return now < expires_at and now - last_seen_at < IDLE
