"""Missing outcomes: how many rows of a table could not be used?"""

from .trust import Finding, Trust


def run(trust: Trust) -> Finding | None:
    """Rows left out for a missing value, by column; the lake has none, so there it is silent."""
    if not trust.n_missing:
        return None
    details: dict[str, object] = {"n_missing": trust.n_missing}
    if not any(trust.n_missing.values()):
        return Finding(True, "No value is missing.", None, details)
    parts = ", ".join(f"{column} {n}" for column, n in trust.n_missing.items() if n)
    return Finding(
        False,
        f"Rows left out because a value is missing: {parts}. If the reason has to do with the"
        " variant, the estimate is biased.",
        None,
        details,
    )
