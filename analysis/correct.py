"""Corrections: several comparisons, one error rate."""

from collections.abc import Callable, Sequence
from typing import Final

Correction = Callable[[Sequence[float]], tuple[float, ...]]


def bonferroni(p_values: Sequence[float]) -> tuple[float, ...]:
    """P values that count every comparison: each times their number.

    Intervals match it exactly: made at ``alpha / n``, they exclude 0 when the adjusted p value is
    below ``alpha``. The readout's intervals over several treatments are made so.
    """
    return tuple(min(1.0, p * len(p_values)) for p in p_values)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P values adjusted step by step (Holm 1979): never above Bonferroni's, same guarantee."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for step, i in enumerate(order):
        highest = max(highest, min(1.0, p_values[i] * (len(p_values) - step)))
        adjusted[i] = highest
    return tuple(adjusted)


CORRECTIONS: Final[dict[str, Correction]] = {"bonferroni": bonferroni, "holm": holm}
