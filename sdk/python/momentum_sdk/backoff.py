"""How long to wait after a failure."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

LONGEST_S: Final = 30.0
SLOW_S: Final = 300.0
LONGEST_RETRY_AFTER_S: Final = 600.0

SLOW_STATUSES: Final = frozenset({401, 403, 404, 405})
"""A wrong key or address: someone must mend it, so ask seldom, but never stop asking."""


HEALTHY_AFTER_S: Final = 60.0

DICE: Final = random.SystemRandom().random
"""The host's own random numbers stay as it seeded them, and forked children differ."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait, and how much of it is waited even by a host that is in a hurry."""

    wait_s: float
    least_s: float = 0.0


class Backoff:
    """Doubling waits with jitter, so that a crowd of clients does not return all at once."""

    def __init__(
        self,
        base_s: float,
        dice: Callable[[], float] = DICE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_s = base_s
        self._dice = dice
        self._clock = clock
        self._n_failures = 0
        self._healthy_from: float | None = None  # the first success since the last failure
        self._no_hurry_until = -math.inf

    def succeeded(self) -> None:
        """Something was delivered; waits begin anew after a minute of that without a failure."""
        now = self._clock()
        if self._healthy_from is None:
            self._healthy_from = now
        elif now - self._healthy_from >= HEALTHY_AFTER_S:
            self._n_failures = 0

    def hurried(self) -> None:
        """A pause was cut short; until a first wait has passed, no other one is."""
        self._no_hurry_until = self._clock() + self._base_s

    def after_failure(
        self,
        status: int | None = None,
        retry_after: str | None = None,
        *,
        is_quiet_healthy: bool = True,
    ) -> Pause:
        """How long to wait now: a doubling wait, or longer when the server asks for it.

        Args:
            status: the HTTP status; None when there was no answer.
            retry_after: the header, if any.
            is_quiet_healthy: whether the time since the last success counts as health.
        """
        if is_quiet_healthy and self._healthy_from is not None:
            self.succeeded()  # nothing failed until now
        self._healthy_from = None
        asked_s = read_retry_after(retry_after) * (1 + 0.1 * self._dice())
        if status in SLOW_STATUSES:
            slow_s = max(asked_s, SLOW_S * (1 - 0.5 * self._dice()))
            return Pause(slow_s, slow_s)
        wait_s = min(LONGEST_S, self._base_s * 2.0 ** min(self._n_failures, 16))
        self._n_failures += 1
        wait_s = max(asked_s, wait_s * (1 - 0.5 * self._dice()))
        return Pause(wait_s, min(wait_s, max(asked_s, self._no_hurry_until - self._clock())))


def read_retry_after(text: str | None) -> float:
    """Seconds that the server asked for, at most ten minutes; 0 when it did not or garbled it.

    Example:
        >>> read_retry_after("120")
        120.0
    """
    if text is None:
        return 0.0
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER_S)
    return _seconds_until(text)


def _seconds_until(text: str) -> float:
    from datetime import datetime, timezone
    from email.utils import parsedate_to_datetime

    try:
        wanted = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return 0.0
    if wanted.tzinfo is None:
        return 0.0
    left = (wanted - datetime.now(timezone.utc)).total_seconds()  # noqa: UP017 - Python 3.10
    return min(max(left, 0.0), LONGEST_RETRY_AFTER_S)
