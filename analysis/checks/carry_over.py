"""Carry-over: does what a crossover's unit had before still work on?"""

from analysis.contrast import Contrast

from .trust import Finding, Trust

ALARM = 0.01


def run(trust: Trust) -> Finding | None:
    """The smallest p value of a treatment that lingers, where the orders can tell.

    It warns and changes nothing: choosing the analysis by this test would inflate the error of the
    comparison (Freeman 1989).
    """
    if trust.carry_over is None:
        return None
    found = {key: c for key, c in trust.carry_over.items() if isinstance(c, Contrast)}
    if not found:
        return Finding(
            True,
            "Whether a treatment lingers cannot be told with these orders: the washout days have"
            " to be enough.",
        )
    worst = min(found, key=lambda treatment: found[treatment].p_value)
    p_value = min(1.0, len(found) * found[worst].p_value)
    details: dict[str, object] = {"effects": {key: c.effect for key, c in found.items()}}
    if p_value >= ALARM:
        return Finding(True, "No treatment lingers into the next period.", p_value, details)
    return Finding(
        False,
        f"{worst} still works on in the period after it: the comparison takes a part of it for"
        " the next treatment's. Plan more washout days, or variants side by side.",
        p_value,
        details,
    )
