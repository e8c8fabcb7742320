"""Freshness: did events keep coming until the look?"""

from datetime import timedelta

from .trust import Finding, Trust

STALE = timedelta(days=2)


def run(trust: Trust) -> Finding | None:
    """How long before the look the last row arrived; a table has no arrival times."""
    if trust.as_of is None:
        return None
    if trust.latest_received_at is None:
        return Finding(False, "The lake holds no event: check that the host sends them.")
    gap = trust.as_of - trust.latest_received_at
    details: dict[str, object] = {"latest_received_at": trust.latest_received_at.isoformat()}
    if gap <= STALE:
        return Finding(True, "Events arrived until the look.", None, details)
    return Finding(
        False,
        f"The last event arrived {gap.days} days before the look: check that the host still sends.",
        None,
        details,
    )
