"""How long to wait after a failure."""

import random
from collections.abc import Callable
from typing import Final

LONGEST_S: Final = 30.0
SLOW_S: Final = 300.0
LONGEST_RETRY_AFTER_S: Final = 600.0

SLOW_STATUSES: Final = frozenset({401, 403, 404, 405})
"""A wrong key or address: someone must mend it, so ask seldom, but never stop asking."""


class Backoff:
    """Doubling waits with jitter, so that a crowd of clients does not return all at once."""

    def __init__(self, base_s: float, dice: Callable[[], float] = random.random) -> None:
        self._base_s = base_s
        self._dice = dice
        self._n_failures = 0

    def reset(self) -> None:
        """Start anew, after a success."""
        self._n_failures = 0

    def after_failure(self, status: int | None = None, retry_after: str | None = None) -> float:
        """Seconds to wait now: what the server asked for, or else a doubling wait.

        Args:
            status: the HTTP status; None when there was no answer.
            retry_after: the header, if any.
        """
        asked = read_retry_after(retry_after)
        if asked is not None:
            return asked * (1 + 0.1 * self._dice())
        if status in SLOW_STATUSES:
            return SLOW_S * (1 - 0.5 * self._dice())
        wait_s = min(LONGEST_S, self._base_s * 2.0 ** min(self._n_failures, 16))
        self._n_failures += 1
        return wait_s * (1 - 0.5 * self._dice())


def read_retry_after(text: str | None) -> float | None:
    """Seconds that the server asked for, at most ten minutes; None when it did not or garbled it.

    Example:
        >>> read_retry_after("120")
        120.0
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER_S)
    return _seconds_until(text)


def _seconds_until(text: str) -> float | None:
    from datetime import datetime, timezone
    from email.utils import parsedate_to_datetime

    try:
        wanted = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    if wanted.tzinfo is None:
        return None
    left = (wanted - datetime.now(timezone.utc)).total_seconds()  # noqa: UP017 - Python 3.10
    return min(left, LONGEST_RETRY_AFTER_S) if left > 0 else None
