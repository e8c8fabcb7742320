"""Maturity: is any unit's outcome window complete?"""

from .enough_units import n_units
from .trust import Finding, Trust


def run(trust: Trust) -> Finding | None:
    """Whether outcomes exist yet; a finished table has no windows to wait for."""
    if trust.window_days is None:
        return None
    n_mature = sum(n_units(statistic) for statistic in trust.primary.values())
    n_exposed = sum(trust.n_exposed.values())
    details: dict[str, object] = {"n_mature": n_mature, "n_exposed": n_exposed}
    if n_exposed == 0:
        return Finding(
            False, "No exposure has arrived: check that the host asks for a variant.", None, details
        )
    if n_mature == 0:
        return Finding(
            False,
            f"No outcome window is complete yet: each lasts {trust.window_days} days from the"
            " first exposure.",
            None,
            details,
        )
    return Finding(
        True,
        f"{n_mature:,} of {n_exposed:,} {trust.units} have a complete outcome window.",
        None,
        details,
    )
