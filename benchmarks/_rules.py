"""Every rule that makes a call, on simulated experiments: whether it called, and when.

An experiment is its path of z over the looks. Without an effect every call is a false one. A new
decision rule is one row in ``RULES``; ``python -m benchmarks error_rates`` then measures it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtri

from analysis.checks.sample_ratio import ALARM_EVER, ALARM_ONCE, sequential_p
from analysis.methods.always_valid import one_sided_z, two_sided_z
from analysis.methods.group_sequential import boundaries
from analysis.spending import spent_by

Floats = npt.NDArray[np.float64]
Calls = npt.NDArray[np.int64]
"""Per experiment the look of the first call, from 0; ``NEVER`` where there was none."""

NEVER: Final = -1
ALPHA = 0.05
N_SECONDARIES = 10
N_SEGMENTS = 10
UNITS_A_LOOK = 200
EFFECT_OF_80 = float(ndtri(0.975) + ndtri(0.8))
"""The effect, in standard errors at the last look, that one two-sided test finds in 80 %."""


@dataclass(frozen=True)
class Experiments:
    """Many experiments with equally spaced looks, the last one at the planned information."""

    rng: np.random.Generator
    looks: int
    n: int
    effect: float = 0.0

    @property
    def times(self) -> Floats:
        """Per look, the share of the planned information."""
        return np.arange(1, self.looks + 1) / self.looks

    def z(self, metrics: int = 1) -> Floats:
        """(n, looks, metrics): how far from 0 each estimate is at each look."""
        steps = self.rng.normal(self.effect / self.looks, self.looks**-0.5, self._shape(metrics))
        return np.asarray(steps.cumsum(axis=1) / self.times[:, None] ** 0.5)

    def counts(self, a_look: int = UNITS_A_LOOK) -> Floats:
        """(n, looks, 2): units per variant so far, at planned halves."""
        control = self.rng.binomial(a_look, 0.5, (self.n, self.looks)).cumsum(axis=1)
        total = a_look * np.arange(1, self.looks + 1)
        return np.stack([control, total - control], axis=-1).astype(np.float64)

    def _shape(self, metrics: int) -> tuple[int, int, int]:
        return self.n, self.looks, metrics


@dataclass(frozen=True)
class Rule:
    """One row of the table."""

    title: str
    nominal: float | None  # what it promises over all looks; None: it promises nothing
    calls: Callable[[Experiments], Calls]
    powers: bool = True  # whether a call means that the effect was found


def spending_bounds(times: Floats, spending: str, alpha: float = ALPHA) -> Floats:
    """The two-sided boundary of each look."""
    spent = [spent_by(spending, alpha, time) for time in times]
    return np.array(boundaries(list(times), spent))


def _first(beyond: npt.NDArray[np.bool_]) -> Calls:
    return np.where(beyond.any(axis=1), beyond.argmax(axis=1), NEVER)


def _fixed_once(e: Experiments) -> Calls:
    beyond = np.abs(e.z()[..., 0]) > -ndtri(ALPHA / 2)
    beyond[:, :-1] = False
    return _first(beyond)


def _fixed_always(e: Experiments) -> Calls:
    return _first(np.abs(e.z()[..., 0]) > -ndtri(ALPHA / 2))


def _spending(name: str) -> Callable[[Experiments], Calls]:
    def calls(e: Experiments) -> Calls:
        return _first(np.abs(e.z()[..., 0]) > spending_bounds(e.times, name))

    return calls


def _confidence_sequence(e: Experiments) -> Calls:
    return _first(np.abs(e.z()[..., 0]) > [two_sided_z(t, ALPHA) for t in e.times])


def _harm(e: Experiments) -> Calls:
    return _first(e.z()[..., 0] < [-one_sided_z(t, ALPHA / 2) for t in e.times])


def decision_calls(z: Floats, times: Floats, spending: str = "obrien_fleming") -> Calls:
    """SHIP or ROLL BACK, had nothing but the primary a say: every doubt only makes calls rarer."""
    harm = np.array([one_sided_z(t, ALPHA / 2) for t in times])
    return _first((np.abs(z) > spending_bounds(times, spending)) | (z < -harm))


def _decision(e: Experiments) -> Calls:
    return decision_calls(e.z()[..., 0], e.times)


def _ship(e: Experiments) -> Calls:
    z = e.z()[..., 0]
    first = decision_calls(z, e.times)
    return np.where(np.take_along_axis(z, first[:, None], axis=1)[:, 0] > 0, first, NEVER)


def _holm(e: Experiments) -> Calls:
    """Whether any secondary is found: the first of Holm's steps decides that."""
    largest: Floats = np.abs(e.z(N_SECONDARIES)).max(axis=2)
    bars = spending_bounds(e.times, "obrien_fleming", ALPHA / N_SECONDARIES)
    return _first(np.asarray(largest > bars))


def _benjamini_hochberg(e: Experiments) -> Calls:
    """Whether any secondary is found by step-up at the look's own levels."""
    ordered = -np.sort(-np.abs(e.z(N_SECONDARIES)), axis=2)
    shares = ALPHA * np.arange(1, N_SECONDARIES + 1) / N_SECONDARIES
    bars = np.stack([spending_bounds(e.times, "obrien_fleming", a) for a in shares], axis=1)
    return _first(np.asarray((ordered > bars).any(axis=2)))


def _chi_square(e: Experiments) -> Calls:
    counts = e.counts()
    expected = counts.sum(axis=2, keepdims=True) / 2
    return _first(chdtrc(1, ((counts - expected) ** 2 / expected).sum(axis=2)) < ALARM_ONCE)


def _sequential_srm(e: Experiments) -> Calls:
    return _first(_sequential_p(e.counts()) < ALARM_EVER)


def _segments_srm(e: Experiments) -> Calls:
    lowest = np.ones((e.n, e.looks))
    for _ in range(N_SEGMENTS):
        lowest = np.minimum(lowest, _sequential_p(e.counts(UNITS_A_LOOK // N_SEGMENTS)))
    return _first(N_SEGMENTS * lowest < ALARM_EVER)


def _sequential_p(counts: Floats) -> Floats:
    """The check's own p value; each pair of counts is asked about once."""
    pairs, where = np.unique(counts.reshape(-1, 2), axis=0, return_inverse=True)
    p_values = np.array([sequential_p((int(a), int(b)), (0.5, 0.5)) for a, b in pairs])
    return p_values[where.reshape(-1)].reshape(counts.shape[:2])


RULES: Final = (
    Rule("fixed test, read once, at the end", ALPHA, _fixed_once),
    Rule("Lan-DeMets, O'Brien-Fleming", ALPHA, _spending("obrien_fleming")),
    Rule("Lan-DeMets, Hwang-Shih-DeCani -4", ALPHA, _spending("hwang_shih_decani:-4")),
    Rule("Lan-DeMets, Kim-DeMets 3", ALPHA, _spending("kim_demets:3")),
    Rule("Lan-DeMets, Kim-DeMets 2", ALPHA, _spending("kim_demets:2")),
    Rule("Lan-DeMets, Pocock", ALPHA, _spending("pocock")),
    Rule("confidence sequence, any look", ALPHA, _confidence_sequence),
    Rule("harm, one-sided, any look", ALPHA / 2, _harm, powers=False),
    Rule("whole decision: SHIP", ALPHA / 2, _ship),
    Rule("whole decision: SHIP or ROLL BACK", ALPHA + ALPHA / 2, _decision),
    Rule("10 secondaries, Holm: any found", ALPHA, _holm, powers=False),
    Rule("10 secondaries, Benjamini-Hochberg: any found", ALPHA, _benjamini_hochberg, powers=False),
    Rule("sample ratio, sequential", ALARM_EVER, _sequential_srm, powers=False),
    Rule("sample ratio, 10 segments: any", ALARM_EVER, _segments_srm, powers=False),
    Rule("not used: fixed test, read at every look", None, _fixed_always),
    Rule("not used: sample ratio, chi-square at every look", None, _chi_square, powers=False),
)
