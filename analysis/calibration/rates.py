"""Rates: how often a rule called an effect where there was none, and what that says of it."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.special import betaincinv
from scipy.stats import kstest

from analysis.history import Floats

UNSURE: Final = 0.001
"""A rate is called wrong when chance would show such a one more rarely than this, on its side."""

Judgement = Literal["as promised", "too often", "careful", "not used", "no estimate"]


@dataclass(frozen=True)
class Rate:
    """One rule on many splits without an effect."""

    rule: str
    title: str
    promised: float | None  # share of splits at most; None: shown to warn of it, never used
    n_splits: int  # that the rule could judge
    n_refused: int
    false_positives: float  # share of splits
    low: float  # 95 %, over other splits of the same learners
    high: float
    judgement: Judgement
    coverage: float | None = None  # of the 95 % interval, with a known effect planted
    uniform_p: float | None = None  # Kolmogorov-Smirnov; small: p values are not uniform


@dataclass
class Tally:
    """What a rule said, split by split."""

    rule: str
    title: str
    promised: float | None
    calls: list[bool]
    p_values: list[float]
    covered: list[bool]
    refused: int = 0

    @classmethod
    def of(cls, rule: str, title: str, promised: float | None) -> "Tally":
        """An empty one."""
        return cls(rule, title, promised, [], [], [])

    def rate(self) -> Rate:
        """The rule's rate, judged."""
        n, k = len(self.calls), sum(self.calls)
        low, high = binomial_interval(k, n, 0.05)
        return Rate(
            rule=self.rule,
            title=self.title,
            promised=self.promised,
            n_splits=n,
            n_refused=self.refused,
            false_positives=k / n if n else 0.0,
            low=low,
            high=high,
            judgement=judge(k, n, self.promised),
            coverage=float(np.mean(self.covered)) if self.covered else None,
            uniform_p=_uniform_p(np.array(self.p_values)) if self.p_values else None,
        )


def binomial_interval(count: int, n: int, alpha: float) -> tuple[float, float]:
    """The exact (Clopper-Pearson) interval of a share."""
    if n == 0:
        return 0.0, 1.0
    low = float(betaincinv(count, n - count + 1, alpha / 2)) if count else 0.0
    high = float(betaincinv(count + 1, n - count, 1 - alpha / 2)) if count < n else 1.0
    return low, high


def judge(count: int, n: int, promised: float | None) -> Judgement:
    """Whether so many calls are what the rule promises."""
    if n == 0:
        return "no estimate"
    if promised is None:
        return "not used"
    low, high = binomial_interval(count, n, 2 * UNSURE)
    if low > promised:
        return "too often"
    return "careful" if high < promised else "as promised"


def _uniform_p(p_values: Floats) -> float:
    return float(kstest(p_values, "uniform").pvalue)
