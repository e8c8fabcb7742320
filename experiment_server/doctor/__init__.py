"""CHECKS: every check that ``momentum doctor`` makes, in the order in which it makes them."""

from collections.abc import Callable, Iterable
from typing import Final

from experiment_server.doctor import clocks, disk, lake, schedule, store, versions
from experiment_server.doctor.finding import Finding, Level
from experiment_server.state import State

Check = Callable[[State], Iterable[Finding]]

CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("versions", versions.check),
    ("disk", disk.check),
    ("store", store.check),
    ("clocks", clocks.check),
    ("schedule", schedule.check),
    ("lake", lake.check),
)
"""One row a file of this folder: the area that its findings carry, and the check."""

NEEDS_STORE: Final = frozenset({"clocks", "schedule", "lake"})
"""Areas that can say nothing while the store does not answer or has an older schema."""


_TO_CHECK: Final = {
    "lake": (
        "check MOMENTUM_LAKE_DIR. A folder: may this account read it, is its disk mounted? An "
        "object store: are endpoint, bucket, region and keys right (MOMENTUM_LAKE_OPTIONS or "
        "AWS_*), may they list and read?"
    ),
}


def examine(state: State) -> tuple[Finding, ...]:
    """What every check found. Nothing is changed, and a check that fails is itself a finding."""
    ready = store.is_ready(state)
    found: list[Finding] = []
    for area, check in CHECKS:
        if ready or area not in NEEDS_STORE:
            found += _guarded(area, check, state)
        else:
            remedy = "Mend the store first, then ask again."
            found.append(Finding(area, Level.WARNING, "Not looked at.", remedy))
    return tuple(found)


def _guarded(area: str, check: Check, state: State) -> list[Finding]:
    try:
        return list(check(state))
    except Exception as error:
        what = f"The check itself failed: {type(error).__name__}: {error}"
        remedy = _TO_CHECK.get(area, "what it names could not be reached or read.")
        return [Finding(area, Level.ERROR, what, f"Read the message: {remedy}")]
