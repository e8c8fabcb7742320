"""Which exposures were logged already."""

from collections.abc import Hashable


class SeenExposures:
    """Remembers the latest exposures in two generations; the older one is forgotten whole.

    Two threads that meet may both see a new one: the server then gets two exposures of the same
    learner and variant, and the analysis takes the first.
    """

    def __init__(self, size: int) -> None:
        self._half = max(size // 2, 1) if size else 0
        self._young: set[Hashable] = set()
        self._old: set[Hashable] = set()

    def __contains__(self, exposure: Hashable) -> bool:
        return exposure in self._young or exposure in self._old

    def add(self, exposure: Hashable) -> None:
        """Remember one."""
        if not self._half:
            return
        if len(self._young) >= self._half:
            self._old, self._young = self._young, set()
        self._young.add(exposure)
