"""How large a request may be, learned from what the server takes and what it finds too large."""

import math
from typing import Final

NEAR_ENOUGH: Final = 1.25  # the sizes that fit and that do not are no longer searched between
HOPE: Final = 1.125  # by so much more each batch may be tried again; limits are lifted, too


def n_bytes(items: list[bytes]) -> int:
    """How large the items are in a request."""
    return sum(map(len, items)) + len(items)


def cut(items: list[bytes], most_bytes: float) -> tuple[list[bytes], list[bytes]]:
    """The first items that are not larger together, one at least, and the others."""
    size = 0
    for index, item in enumerate(items):
        size += len(item) + 1
        if size > most_bytes and index:
            return items[:index], items[index:]
    return items, []


class Fit:
    """Searches the limit between what fitted last and what was too large last.

    While nothing has fitted, it knows no limit.
    """

    def __init__(self) -> None:
        self._fits = 0
        self._too_large = math.inf

    @property
    def most_bytes(self) -> float:
        """How large the next request should be at most."""
        if not self._fits:
            return math.inf
        if self._too_large <= self._fits * NEAR_ENOUGH:
            return self._fits
        return (self._fits + self._too_large) / 2

    def hope(self) -> None:
        """A new batch begins: the limit may be a little higher than it was."""
        self._too_large *= HOPE

    def learn(self, size: int, status: int) -> None:
        """How the server answered a request of this size."""
        if status == 413:
            self._too_large = min(self._too_large, size)
            if self._fits >= size:
                self._fits = 0
        elif status == 202:
            self._fits = max(self._fits, size)
            if size >= self._too_large:
                self._too_large = 2 * size
