"""Sticky variants: a unit keeps the variant it had, whatever becomes of weights and targeting."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from ._assignment import StickyStore, Visit
from .notices import Notices

MOST_UNITS: Final = 100_000
N_LOCKS: Final = 64
_NOTHING: Final[Mapping[str, Any]] = {}


class Memory:
    """Remembers within this process; beyond its size, the units that came first are forgotten."""

    def __init__(self, size: int = MOST_UNITS) -> None:
        self._size = size
        # not a dict, whose first key is found behind all that were forgotten before
        self._remembered: OrderedDict[tuple[str, str], Mapping[str, Any]] = OrderedDict()

    def get(self, attribute: str, unit: str) -> Mapping[str, Any]:
        """What was last saved of the unit."""
        return self._remembered.get((attribute, unit), _NOTHING)

    def save(self, attribute: str, unit: str, assignments: Mapping[str, Any]) -> None:
        """Replace what is remembered of the unit."""
        self._remembered[attribute, unit] = dict(assignments)
        if len(self._remembered) > self._size:
            with contextlib.suppress(KeyError):  # other threads were quicker
                self._remembered.popitem(last=False)


class Guard:
    """Stands between the engine and a store: says what fails in it, and loses no assignment.

    An error goes on to the engine, which leaves the unit out: better that for once than a second
    variant.
    """

    def __init__(self, store: StickyStore, notices: Notices) -> None:
        self._store = store
        self._notices = notices
        self._saving: list[AbstractContextManager[bool]] = []
        self.after_fork()

    def after_fork(self) -> None:
        """In a forked child: fresh locks, since a thread of the parent may have held one."""
        self._saving = [threading.RLock() for _ in range(N_LOCKS)]

    def get(self, attribute: str, unit: str) -> Mapping[str, Any]:
        """What the store remembers of the unit."""
        try:
            return _assignments(self._store.get(attribute, unit))
        except Exception as error:
            self._warn(error)
            raise

    def save(self, attribute: str, unit: str, assignments: Mapping[str, Any]) -> None:
        """Add to what the store remembers; another thread may have added meanwhile.

        The store may call the client, which then saves within this save.
        """
        with self._saving[hash(unit) % N_LOCKS]:
            known = self.get(attribute, unit)
            try:
                self._store.save(attribute, unit, {**known, **assignments})
            except Exception as error:
                self._warn(error)
                raise

    def _warn(self, error: Exception) -> None:
        self._notices.warn("sticky", "the store of sticky failed: %s", type(error).__name__)


def _assignments(remembered: Any) -> Mapping[str, Any]:
    """What a store gave, which is the host's; some give None for a new unit."""
    if remembered is None:
        return _NOTHING
    if not isinstance(remembered, Mapping):
        raise TypeError("get returned no mapping")
    return remembered


class _Peek:
    """The same memory for explaining, which remembers nothing new."""

    def __init__(self, guard: Guard) -> None:
        self.get = guard.get

    def save(self, attribute: str, unit: str, assignments: Mapping[str, Any]) -> None:
        """Do nothing."""


class Remembering:
    """The visits by which a client with sticky variants decides."""

    def __init__(self, store: StickyStore | bool, notices: Notices) -> None:
        guard = Guard(Memory() if isinstance(store, bool) else store, notices)
        self.after_fork = guard.after_fork
        self.visit = Visit(sticky=guard)
        self.visit_to_explain = Visit(sticky=_Peek(guard))
