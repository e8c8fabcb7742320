"""Warnings for the host's log: at most one a minute on each topic, and never a learner's id."""

import contextlib
import time
from collections.abc import Callable
from typing import Final

LOGGER_NAME: Final = "momentum_sdk"
QUIET_S: Final = 60.0


class Notices:
    """Says a thing once a minute, and how often it happened in between."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        import logging  # late, so that a host that makes no client starts sooner

        self._logger = logging.getLogger(LOGGER_NAME)
        self._clock = clock
        self._said_at: dict[str, float] = {}
        self._n_unsaid: dict[str, int] = {}

    def warn(self, topic: str, message: str, *values: object) -> None:
        """Log a warning, unless one on this topic was logged a minute ago or less. Never raises."""
        now = self._clock()
        if now - self._said_at.get(topic, -QUIET_S) < QUIET_S:
            self._n_unsaid[topic] = self._n_unsaid.get(topic, 0) + 1
            return
        self._said_at[topic] = now
        n_unsaid = self._n_unsaid.pop(topic, 0)
        if n_unsaid:
            message += f" (and {n_unsaid} times more since the last such line)"
        with contextlib.suppress(Exception):  # a log handler of the host may raise
            self._logger.warning("Momentum: " + message, *values)
