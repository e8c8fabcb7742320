"""Signed tokens that put a tester into chosen variants, for a link or a cookie.

Nothing is forced unless the host reads a token and hands the result in. A forced variant logs no
exposure, so testers never count.
"""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

PARAMETER: Final = "momentum_qa"
"""The name of the query parameter and of the cookie that the Flask and Django hooks look at."""

SHORTEST_SECRET: Final = 16
LONGEST_TOKEN: Final = 3_000  # a cookie holds 4,096 characters with its name and attributes
DEFAULT_LIFE_S: Final = 8 * 3_600.0


def sign(
    secret: str,
    variants: Mapping[str, str],
    life_s: float = DEFAULT_LIFE_S,
    now: float | None = None,
) -> str:
    """A token that forces variants, such as {"reward-ladder": "badges"}.

    Args:
        secret: known to the host only; at least 16 characters.
        variants: experiment to variant.
        life_s: seconds until the token is worth nothing.
        now: seconds since 1970; the present time if not given.

    Raises:
        ValueError: the secret is too short, or the token would be too long.

    Example:
        >>> token = sign("a secret of the host", {"reward-ladder": "badges"})
        >>> read("a secret of the host", token)
        {'reward-ladder': 'badges'}
        >>> read("another secret of it", token)
        {}
    """
    until = int((time.time() if now is None else now) + life_s)
    content = json.dumps({"until": until, "variants": dict(variants)}, separators=(",", ":"))
    body = base64.urlsafe_b64encode(content.encode()).rstrip(b"=")
    token = (body + b"." + _signature(secret, body)).decode()
    if len(token) > LONGEST_TOKEN:
        raise ValueError("the token would be too long for a cookie; force fewer variants at once")
    return token


def read(secret: str, token: str | None, now: float | None = None) -> dict[str, str]:
    """What a token forces; nothing when it was forged, has expired or is none. Never raises."""
    try:
        return _read(secret, token or "", time.time() if now is None else now)
    except Exception:  # whatever a stranger sends, the host must survive
        return {}


def _read(secret: str, token: str, now: float) -> dict[str, str]:
    if len(token) > LONGEST_TOKEN:
        return {}
    body, _, signature = token.encode().partition(b".")
    if not hmac.compare_digest(_signature(secret, body), signature):
        return {}
    content: Any = json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
    if now >= content["until"]:
        return {}
    return {str(name): str(variant) for name, variant in content["variants"].items()}


def _signature(secret: str, body: bytes) -> bytes:
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(f"the secret is too short; give {SHORTEST_SECRET} random characters")
    digest = hmac.digest(secret.encode(), b"momentum-qa:" + body, "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=")
