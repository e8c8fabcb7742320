"""Whether a browser's unsafe request comes from our own pages."""

from collections.abc import Mapping
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlsplit

from experiment_server.problems import Problem, forbidden

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
HEADER: Final = "X-CSRF-Token"
FIELD: Final = "csrf_token"
OWN_SITES: Final = frozenset({"same-origin", "none"})  # none: typed or bookmarked by the person


def make_token() -> str:
    """A new token; it lives as long as its session."""
    return token_urlsafe(32)


def check_origin(headers: Mapping[str, str], host: str) -> Problem | None:
    """The refusal of a request that another site made, or None."""
    site = headers.get("Sec-Fetch-Site")
    origin = headers.get("Origin")
    foreign_site = site is not None and site not in OWN_SITES
    foreign_origin = origin is not None and urlsplit(origin).netloc != host
    if foreign_site or foreign_origin:
        return forbidden("This request came from another site. Open Momentum itself and try again.")
    return None


def check_token(sent: str | None, expected: str) -> Problem | None:
    """The refusal of a form whose token is missing or another session's, or None."""
    if sent is None or not compare_digest(sent.encode(), expected.encode()):
        return forbidden(
            "The form's token is missing or from an earlier sign-in. Load the page again. A "
            f"program with a session's cookie sends the token in the header {HEADER}."
        )
    return None
