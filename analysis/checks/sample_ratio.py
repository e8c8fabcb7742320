"""Sample ratio: did the variants get the shares that were planned?"""

from collections.abc import Mapping, Sequence
from math import exp
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, gammaln

from analysis.statistics.collected import Statistic
from analysis.statistics.moments import Moments

from .trust import Finding, Trust

ALARM_ONCE = 0.001
"""For Pearson's chi-square, where it is read for a decision once (Fabijan et al., KDD 2019)."""

ALARM_EVER = 0.01
"""For the sequential p value: over all looks together, however many and whenever."""

FEWEST_EXPECTED = 5.0
"""Below it the chi-square's p value means nothing; the sequential one is exact for any count."""

CONCENTRATIONS: Final = (10.0, 100.0, 1_000.0, 10_000.0, 100_000.0)
"""How close to the plan the alternatives lie: from "a variant is missing" to "one in a thousand
units is lost". One alone is blind at other scales: 10,000 alone needs 400 units to see that a
variant gets nobody."""


def run(trust: Trust) -> Finding | None:
    """Whether exposed units came in the planned shares, as a whole and in each segment.

    While the experiment runs, the sequential p value decides, which may be read at every look;
    where only the chi-square is suspicious the finding is a warning. At the final look and in a
    finished table, which are read once, the chi-square decides as well. In a team experiment the
    units are teams: learners of a team come together and would raise false alarms.
    """
    observed = [trust.n_exposed[variant] for variant in trust.variants]
    expected = _expected(observed, trust.weights)
    sequential, once = sequential_p(observed, trust.weights), chi_square_p(observed, trust.weights)
    segments = _segments(trust)
    details: dict[str, object] = {
        "observed": dict(zip(trust.variants, observed, strict=True)),
        "expected": dict(zip(trust.variants, expected, strict=True)),
        "sequential_p": sequential,
        "chi_square_p": once,
    }
    if segments:
        details["segments"] = segments
    suspicious = once is not None and once < ALARM_ONCE
    if sequential < ALARM_EVER or (suspicious and trust.final):
        p_value = sequential if sequential < ALARM_EVER or once is None else once
        return Finding(False, _say_lost(trust, observed, expected), p_value, details)
    lost = [label for label, p_value in segments.items() if p_value < ALARM_EVER]
    if lost:
        return Finding(False, _say_segments(trust, lost), segments[lost[0]], details)
    if suspicious:
        return Finding(False, _say_suspicious(trust), once, details, severity="warn")
    if min(expected) < FEWEST_EXPECTED:
        few = f"With {sum(observed)} {trust.units} the shares cannot be checked yet."
        return Finding(True, few, None, details)
    return Finding(True, "The variants got the shares that were planned.", sequential, details)


def sequential_p(observed: Sequence[int], weights: Sequence[float]) -> float:
    """A p value for the planned shares that may be read after any unit (Lindon and Malek 2020).

    One over the e value: the likelihood of the units' order under shares that are not quite the
    planned ones, over that under the planned ones. Under the plan it passes 1/alpha ever, at any
    time, with probability alpha at most.
    """
    return min(1.0, exp(-log_e_value(observed, weights)))


def log_e_value(
    observed: Sequence[int],
    weights: Sequence[float],
    concentrations: Sequence[float] = CONCENTRATIONS,
) -> float:
    """The same as ``log_e_values``, of one experiment or segment."""
    return float(log_e_values([observed], weights, concentrations)[0])


def log_e_values(
    observed: Sequence[Sequence[int]],
    weights: Sequence[float],
    concentrations: Sequence[float] = CONCENTRATIONS,
) -> npt.NDArray[np.float64]:
    """The logarithm of the mean of Dirichlet-multinomial Bayes factors; a mean of e values is one.

    Args:
        observed: units per variant, of each segment.
        weights: planned shares, in any unit, each above 0.
        concentrations: per alternative, c of its prior Dirichlet(c * shares).
    """
    counts = np.asarray(observed, dtype=np.float64).reshape(-1, 1, len(weights))
    shares = np.asarray(weights, dtype=np.float64) / sum(weights)
    total = np.asarray(concentrations, dtype=np.float64)
    prior = total[:, None] * shares
    # As sums of log-gammas over the prior: the multinomial coefficient is the same in both.
    evidence = (gammaln(prior + counts) - gammaln(prior)).sum(axis=2)
    evidence -= gammaln(total + counts.sum(axis=2)) - gammaln(total)
    null = counts @ np.log(shares)
    return np.asarray(np.logaddexp.reduce(evidence - null, axis=1) - np.log(len(total)))


def chi_square_p(observed: Sequence[int], weights: Sequence[float]) -> float | None:
    """Pearson's chi-square, for a single reading; None with too few units."""
    expected = _expected(observed, weights)
    if min(expected) < FEWEST_EXPECTED:
        return None
    chi_square = sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True))
    return float(chdtrc(len(observed) - 1, chi_square))


def count_segments(
    segments: Mapping[str, Mapping[str, Mapping[str, Statistic]]], n_units: Mapping[str, int]
) -> dict[str, dict[str, int]]:
    """Units per variant, by "segment level", from the statistics of one metric.

    A metric that leaves units out, because of what they did, says nothing of shares: its segments
    must add up to the units that there are. Teams have learners in several levels: none.

    Args:
        segments: segment -> level -> variant -> statistic.
        n_units: per variant, the units that every segment must add up to.
    """
    found: dict[str, dict[str, int]] = {}
    for segment, levels in segments.items():
        counts = {
            f"{segment.replace('_', ' ')} {level}": {
                v: s.n for v, s in arms.items() if isinstance(s, Moments)
            }
            for level, arms in levels.items()
        }
        if all(sum(c.get(v, 0) for c in counts.values()) == n for v, n in n_units.items()):
            found |= counts
    return found


def _expected(observed: Sequence[int], weights: Sequence[float]) -> list[float]:
    return [sum(observed) * weight / sum(weights) for weight in weights]


def _segments(trust: Trust) -> dict[str, float]:
    """Per segment the sequential p value, times the number of segments; smallest first."""
    if not trust.segments:
        return {}
    counts = [[each.get(v, 0) for v in trust.variants] for each in trust.segments.values()]
    n, logs = len(counts), log_e_values(counts, trust.weights).tolist()
    found = {
        label: min(1.0, n * min(1.0, exp(-log)))
        for label, log in zip(trust.segments, logs, strict=True)
    }
    return dict(sorted(found.items(), key=lambda item: (item[1], item[0])))


def _say_lost(trust: Trust, observed: list[int], expected: list[float]) -> str:
    counts = ", ".join(f"{v} {o}" for v, o in zip(trust.variants, observed, strict=True))
    shares = ", ".join(f"{v} {e:.0f}" for v, e in zip(trust.variants, expected, strict=True))
    return (
        f"The variants did not get their planned shares of {trust.units} (found {counts};"
        f" planned {shares}): some are lost or counted where they should not be."
    )


def _say_segments(trust: Trust, lost: list[str]) -> str:
    return (
        f"As a whole the variants got their shares, but not among the {trust.units} of"
        f" {', '.join(lost)}: look for what loses or adds units there."
    )


def _say_suspicious(trust: Trust) -> str:
    return (
        f"The variants' shares of {trust.units} look uneven, but not beyond what chance does over"
        " many looks: the next looks will tell."
    )
