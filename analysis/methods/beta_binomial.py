"""Beta-binomial: what to believe of two shares, exactly, however few successes there are."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv, betaln

from analysis.contrast import TOO_FEW_UNITS
from analysis.results import NotEstimable
from analysis.statistics.collected import OUTCOME
from analysis.statistics.moments import Moments

Floats = npt.NDArray[np.float64]

FLAT = (1.0, 1.0)
_LONGEST_SUM = 20_000
_NODES = 240
_OUT_OF_SUPPORT = 1e-15
_WHOLE = 1e-6

NOT_ZERO_ONE = NotEstimable(
    "the outcome is not 0 or 1 for every unit, so there are no successes to count",
    "use a metric of kind proportion or retention, or the normal posterior",
)


@dataclass(frozen=True)
class ShareBelief:
    """What to believe of treatment minus control, both shares between 0 and 1."""

    mean: float
    sd: float
    low: float  # 95 %, equal-tailed
    high: float
    p_better: float
    expected_loss: float  # of shipping the treatment, as a share


def estimate(
    control: Moments,
    treatment: Moments,
    outcome: str = OUTCOME,
    prior: tuple[float, float] = FLAT,
    sign: int = 1,
) -> ShareBelief | NotEstimable:
    """The belief about the difference of two shares, from the moments of a 0/1 outcome."""
    if min(control.n, treatment.n) < 1:
        return TOO_FEW_UNITS
    counts = []
    for each in (treatment, control):
        successes = each.n * each.mean_of(outcome)
        scatter = each.cross(outcome, outcome)
        expected = successes * (1 - successes / each.n)
        if not -_WHOLE <= successes <= each.n + _WHOLE or abs(scatter - expected) > _WHOLE * each.n:
            return NOT_ZERO_ONE
        counts += [round(successes), each.n]
    return posterior(counts[0], counts[1], (counts[2], counts[3]), prior, sign)


def posterior(
    successes: int,
    n: int,
    control: tuple[int, int],
    prior: tuple[float, float] = FLAT,
    sign: int = 1,
) -> ShareBelief:
    """The belief about the difference of two shares under independent Beta priors.

    Args:
        successes: of the treatment.
        n: units of the treatment.
        control: successes and units of the control.
        prior: Beta(a, b) of both shares; (1, 1) is flat, (0.5, 0.5) Jeffreys'.
        sign: 1 when more is better, -1 when less is better.

    Raises:
        ValueError: more successes than units, negative counts, or a prior that is not positive.
    """
    for name, (k, m) in {"treatment": (successes, n), "control": control}.items():
        if not 0 <= k <= m:
            raise ValueError(f"{name}: found {k} successes of {m} units; expected 0 <= k <= n")
    if min(prior) <= 0:
        raise ValueError(f"prior: found Beta{prior}, both numbers must be above 0, as in (1, 1)")
    a = (successes + prior[0], n - successes + prior[1])
    b = (control[0] + prior[0], control[1] - control[0] + prior[1])
    better = chance_above(a, b)
    losses = _loss(a, b) if sign > 0 else _loss(b, a)
    low, high = _interval(a, b)
    return ShareBelief(
        mean=_mean(a) - _mean(b),
        sd=(_variance(a) + _variance(b)) ** 0.5,
        low=low,
        high=high,
        p_better=better if sign > 0 else 1 - better,
        expected_loss=losses,
    )


Beta = tuple[float, float]


def _mean(beta: Beta) -> float:
    return beta[0] / sum(beta)


def _variance(beta: Beta) -> float:
    return beta[0] * beta[1] / (sum(beta) ** 2 * (sum(beta) + 1))


def chance_above(a: Beta, b: Beta) -> float:
    """P(A > B) for independent A ~ Beta(a), B ~ Beta(b).

    Where one of the four parameters is whole this is a finite sum (Miller 2015):
    for whole a[0], P(A > B) = sum over i < a[0] of
    B(b[0] + i, a[1] + b[1]) / ((a[1] + i) B(1 + i, a[1]) B(b)). Symmetry makes the other three
    cases of it: the shortest sum is taken. Without a whole parameter, or where even the shortest
    sum is long, it is an integral.
    """
    # P(A > B) with successes and failures exchanged, or A and B, is the same or the complement.
    forms = (
        (a, b, False),
        (b, a, True),
        (b[::-1], a[::-1], False),
        (a[::-1], b[::-1], True),
    )
    whole = [form for form in forms if float(form[0][0]).is_integer()]
    if not whole:
        return _by_quadrature(a, b)
    first, second, complement = min(whole, key=lambda form: form[0][0])
    if first[0] > _LONGEST_SUM:
        return _by_quadrature(a, b)
    found = _sum(first, second)
    return 1 - found if complement else found


def _sum(a: Beta, b: Beta) -> float:
    i = np.arange(int(a[0]))
    terms = np.exp(
        betaln(b[0] + i, a[1] + b[1]) - np.log(a[1] + i) - betaln(1 + i, a[1]) - betaln(*b)
    )
    return float(min(1.0, terms.sum()))


def _support(beta: Beta) -> tuple[float, float]:
    return (
        float(betaincinv(*beta, _OUT_OF_SUPPORT)),
        1 - float(betaincinv(beta[1], beta[0], _OUT_OF_SUPPORT)),
    )


@lru_cache(maxsize=1)
def _unit_rule() -> tuple[Floats, Floats]:
    """Points in (0, 1) that crowd at both ends, where a density may rise without bound."""
    nodes, masses = np.polynomial.legendre.leggauss(_NODES)
    angle = (nodes + 1) * np.pi / 4
    return np.sin(angle) ** 2, np.sin(2 * angle) * np.pi / 4 * masses


def _nodes(beta: Beta, low: float, high: float) -> tuple[Floats, Floats]:
    """Points between two shares, and the density's masses there."""
    unit, width = _unit_rule()
    x = np.clip(low + (high - low) * unit, 1e-300, 1 - 1e-16)
    log = (beta[0] - 1) * np.log(x) + (beta[1] - 1) * np.log1p(-x) - betaln(*beta)
    return x, np.exp(log) * (high - low) * width


def _by_quadrature(a: Beta, b: Beta) -> float:
    x, masses = _nodes(a, *_support(a))
    # The normalising constant loses digits when counts are large; the masses know their own sum.
    return float(masses @ betainc(*b, x) / masses.sum())


def _loss(a: Beta, b: Beta) -> float:
    """E[max(0, B - A)]: raising a success count by one weighs the density by the share."""
    a_up, b_up = (a[0] + 1, a[1]), (b[0] + 1, b[1])
    return max(0.0, _mean(b) * chance_above(b_up, a) - _mean(a) * (1 - chance_above(a_up, b)))


def _below(difference: float, a: Beta, b: Beta) -> float:
    """P(A - B <= difference): exact where B's share would leave 0 to 1, an integral between."""
    low, high = _support(a)
    low, high = max(low, difference), min(high, 1 + difference)
    certain = float(betainc(*a, np.clip(difference, 0.0, 1.0)))
    if low >= high:
        return certain
    x, masses = _nodes(a, low, high)
    return certain + float(masses @ betainc(b[1], b[0], np.clip(1 - x + difference, 0.0, 1.0)))


def _interval(a: Beta, b: Beta) -> tuple[float, float]:
    from scipy.optimize import brentq

    def quantile(share: float) -> float:
        return float(brentq(lambda d: _below(d, a, b) - share, -1.0, 1.0, xtol=1e-10))

    return quantile(0.025), quantile(0.975)
