"""Sticky variants: a unit keeps the variant it had, whatever becomes of weights and targeting."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

Assignments = Mapping[str, Any]
"""A unit's variants, by experiment and bucket version, such as {"reward-ladder__0": "badges"}."""

NOTHING: Final[Assignments] = MappingProxyType({})


class StickyStore(Protocol):
    """Remembers which variant a unit had. Both methods are called while a host waits."""

    def get(self, attribute: str, unit: str) -> Assignments:
        """What is remembered of a unit; nothing for a new one."""

    def save(self, attribute: str, unit: str, assignments: Assignments) -> None:
        """Remember all of these; what was remembered of the unit is among them."""


class NoStickyStore:
    """Remembers nothing: each evaluation is by hash alone."""

    def get(self, attribute: str, unit: str) -> Assignments:  # noqa: ARG002 - of any unit
        """Nothing."""
        return NOTHING

    def save(self, attribute: str, unit: str, assignments: Assignments) -> None:
        """Do nothing."""


class InMemoryStickyStore:
    """Remembers for as long as the process lives; for tests and short scripts.

    Example:
        >>> store = InMemoryStickyStore()
        >>> store.save("id", "learner-1", {"reward-ladder__0": "badges"})
        >>> store.get("id", "learner-1")
        {'reward-ladder__0': 'badges'}
    """

    def __init__(self) -> None:
        self._remembered: dict[tuple[str, str], Assignments] = {}

    def get(self, attribute: str, unit: str) -> Assignments:
        """What was last saved of the unit."""
        return self._remembered.get((attribute, unit), NOTHING)

    def save(self, attribute: str, unit: str, assignments: Assignments) -> None:
        """Replace what is remembered of the unit."""
        self._remembered[attribute, unit] = dict(assignments)


def slot(experiment: str, bucket_version: int) -> str:
    """Where an experiment's variant is remembered among a unit's assignments."""
    return f"{experiment}__{bucket_version}"


def is_blocked(experiment: str, lowest_version: int, remembered: Assignments) -> bool:
    """Whether the unit took part under a version that may not take part any more."""
    return any(slot(experiment, version) in remembered for version in range(lowest_version))
