"""Corrections: several comparisons, one error rate."""

from collections.abc import Callable, Sequence
from typing import Final

Correction = Callable[[Sequence[float]], tuple[float, ...]]


def bonferroni(p_values: Sequence[float]) -> tuple[float, ...]:
    """P values that count every comparison: each times their number.

    Intervals match it exactly: made at ``alpha / n``, they exclude 0 when the adjusted p value is
    below ``alpha``. The intervals of several treatments at one of several looks are made so.
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


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """P values for a false discovery rate (Benjamini and Hochberg 1995): for exploring.

    Of the differences whose adjusted p value is below ``alpha``, at most a share of ``alpha`` is
    false on average. The matching intervals are those at ``fcr_level``.
    """
    order = sorted(range(len(p_values)), key=lambda i: -p_values[i])
    adjusted = [1.0] * len(p_values)
    lowest = 1.0
    for rank, i in zip(range(len(p_values), 0, -1), order, strict=True):
        lowest = min(lowest, p_values[i] * len(p_values) / rank)
        adjusted[i] = lowest
    return tuple(adjusted)


def fcr_share(n_found: int, n_all: int) -> float:
    """The share of alpha at which intervals match Benjamini-Hochberg's findings.

    Benjamini and Yekutieli (2005): made at this share of alpha, the intervals that exclude 0 are
    exactly the findings, and at most a share of alpha of the findings' intervals misses the truth.
    """
    return max(n_found, 1) / n_all


CORRECTIONS: Final[dict[str, Correction]] = {
    "bonferroni": bonferroni,
    "holm": holm,
    "benjamini_hochberg": benjamini_hochberg,
}
