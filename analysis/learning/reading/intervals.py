"""Intervals for shares and for differences of shares between similar learners."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from analysis.methods.proportion import wilson_interval
from analysis.normal import Z95


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Stratum:
    """Learners of one kind: those who did something, those who did not, and who came back."""

    n_did: int
    back_did: int
    n_not: int
    back_not: int


def share(k: int, n: int) -> Interval:
    """A share of n with Wilson's interval, which stays inside 0..1 (Wilson 1927)."""
    p = k / n
    low, high = wilson_interval((k, n), Z95)
    return Interval(p, min(p, max(0.0, low)), max(p, min(1.0, high)))


def difference_of_shares(strata: Iterable[Stratum]) -> Interval | None:
    """Share back among those who did it minus among similar learners who did not.

    The Mantel-Haenszel risk difference, with the variance of Sato, Greenland and Robins (1989,
    Biometrics 45:1323), which holds for few large strata and for many small ones. None: nobody to
    compare with.
    """
    weight = total = p = q = 0.0
    for one in strata:
        n = one.n_did + one.n_not
        if not one.n_did or not one.n_not:
            continue
        weight += one.n_did * one.n_not / n
        total += (one.back_did * one.n_not - one.back_not * one.n_did) / n
        p += (
            one.n_did**2 * one.back_not
            - one.n_not**2 * one.back_did
            + one.n_did * one.n_not * (one.n_not - one.n_did) / 2
        ) / n**2
        away_did, away_not = one.n_did - one.back_did, one.n_not - one.back_not
        q += (one.back_did * away_not + one.back_not * away_did) / (2 * n)
    if not weight:
        return None
    found = total / weight
    # With a handful of learners the sum can come out a rounding below zero.
    half = Z95 * sqrt(max(0.0, found * p + q)) / weight
    return Interval(found, max(-1.0, found - half), min(1.0, found + half))
