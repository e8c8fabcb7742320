"""Crossed units: did some meet several variants?"""

from .trust import Finding, Trust

TOO_MANY = 0.01


def run(trust: Trust) -> Finding | None:
    """The share of units that met several variants; they are left out of the estimates."""
    total = sum(trust.n_exposed.values()) + trust.n_crossed
    share = trust.n_crossed / total if total else 0.0
    details: dict[str, object] = {"n_crossed": trust.n_crossed, "share": share}
    if trust.n_crossed == 0:
        return Finding(True, f"All {trust.units} met one {trust.arm} only.", details=details)
    sentence = (
        f"{trust.n_crossed} of {total} {trust.units} met several {trust.arm}s and are left out"
    )
    if share <= TOO_MANY:
        return Finding(True, f"{sentence}.", details=details)
    return Finding(
        False,
        f"{sentence}: more than 1 %, so assignment was not stable.",
        details=details,
    )
