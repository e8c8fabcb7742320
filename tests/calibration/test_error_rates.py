"""How often the whole procedure cries wolf, misses, or covers the truth. Seeded simulations.

The figures of docs/statistics/ come from here: run with ``-s`` to print them.
"""

import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.contrast import Contrast, critical_t
from analysis.methods import cluster_robust, compare, welch
from analysis.plan import PreviousLook
from analysis.power import detectable_effect
from analysis.read import read
from analysis.results import Verdict
from analysis.statistics.moments import Moments
from tests.analysis.collecting import SCORE, collected, plan
from tests.calibration import worlds

CALLS = (Verdict.SHIP, Verdict.ROLL_BACK)


def metric(minimum_effect):
    return replace(SCORE, minimum_effect=minimum_effect)


def run(world, looks, minimum_effect, unit_kind="learner", ad_hoc=False):
    """The verdicts of one experiment, look by look."""
    before = ()
    for number, statistics in enumerate(world, start=1):
        asked = plan(
            metrics=(metric(minimum_effect),),
            unit_kind=unit_kind,
            look=0 if ad_hoc else number,
            looks_planned=looks,
            final=number == looks and not ad_hoc,
            previous_looks=before,
        )
        found = read(asked, collected({"energize": statistics}))
        at = found.sequential
        before += (PreviousLook(number, at.information_fraction, at.alpha_spent),)
        yield found.decision.verdict


def share(name, hits, n):
    rate = hits / n
    error = (rate * (1 - rate) / n) ** 0.5
    # The figures are copied from here into docs/statistics/.
    sys.stdout.write(f"{name}: {100 * rate:.2f} % of {n} (+- {100 * error:.2f})\n")
    return rate


def first_call(verdicts):
    return next((verdict for verdict in verdicts if verdict in CALLS), None)


@pytest.mark.parametrize("pace", [0.5, 1.0, 3.0], ids=lambda x: f"information-{x}")
def test_a_a__five_looks__false_calls_stay_below_alpha(pace):
    """``pace``: the information of the last look over the planned one."""
    n, looks, a_look = 600, 5, 60
    se = worlds.SD * 0.8 * (2 / (looks * a_look)) ** 0.5
    minimum = detectable_effect(se) * pace**0.5
    rng = np.random.default_rng(20_260)

    calls = [first_call(run(worlds.learners(rng, looks, a_look), looks, minimum)) for _ in range(n)]

    false = share(f"A/A, learners, pace {pace}", sum(call is not None for call in calls), n)
    assert 0.02 < false <= 0.055


@pytest.mark.parametrize("n_teams", [4, 8])
def test_a_a__teams_and_five_looks__false_calls_stay_below_alpha(n_teams):
    n, looks = 600, 5
    rng = np.random.default_rng(7)

    calls = [
        first_call(run(worlds.teams(rng, looks, n_teams), looks, 12.0, "team")) for _ in range(n)
    ]

    false = share(f"A/A, {n_teams} teams a variant", sum(call is not None for call in calls), n)
    assert 0.005 < false <= 0.055


def test_a_a__learners_of_teams_taken_for_units__cry_wolf():
    """What the cluster-robust method saves us from."""
    rng = np.random.default_rng(8)
    wrong, right, n = 0, 0, 1500
    for _ in range(n):
        *_, statistics = worlds.teams(rng, 3, 8)
        control, treatment = statistics["control"], statistics["double"]
        right += cluster_robust.estimate(control, treatment).p_value < 0.05
        naive = [_as_if_learners(rng, s) for s in (control, treatment)]
        wrong += welch.estimate(*naive).p_value < 0.05

    assert share("A/A, teams taken for learners", wrong, n) > 0.15
    assert share("A/A, teams as teams", right, n) <= 0.065


def _as_if_learners(rng, sums):
    """Learners' rows around their team's mean, as an analysis blind to teams would see them."""
    means = np.repeat(sums.sum_of("outcome") / sums.n, sums.n)
    rows = means + rng.normal(0, worlds.SD * (0.85 * 0.64) ** 0.5, len(means))
    return Moments.of(("outcome",), rows[:, None])


def test_harm_rule__read_forty_times_without_harm__seldom_alarms():
    n, looks = 200, 40
    rng = np.random.default_rng(11)

    alarms = sum(
        Verdict.ROLL_BACK in set(run(worlds.learners(rng, looks, 20), looks, 3.5, ad_hoc=True))
        for _ in range(n)
    )

    assert share("harm alarm without harm, 40 looks", alarms, n) <= 0.03


def test_harm_rule__read_forty_times_with_harm__alarms_nearly_always_and_early():
    n, looks = 50, 40
    rng = np.random.default_rng(12)
    first = []
    for _ in range(n):
        verdicts = list(run(worlds.learners(rng, looks, 20, effect=-5.0), looks, 3.5, ad_hoc=True))
        if Verdict.ROLL_BACK in verdicts:
            first.append(verdicts.index(Verdict.ROLL_BACK) + 1)

    assert share("harm alarm at 1.4 x minimum effect", len(first), n) > 0.85
    assert np.median(first) < 30


def test_power__minimum_effect_and_planned_information__is_about_as_planned():
    n, looks, a_look = 600, 5, 60
    minimum = detectable_effect(worlds.SD * 0.8 * (2 / (looks * a_look)) ** 0.5)
    rng = np.random.default_rng(13)

    shipped = sum(
        first_call(run(worlds.learners(rng, looks, a_look, effect=minimum), looks, minimum))
        is Verdict.SHIP
        for _ in range(n)
    )

    assert 0.72 < share("SHIP at the minimum effect, 80 % planned", shipped, n) < 0.85


def test_equivalence__effect_as_large_as_matters__is_seldom_called_negligible():
    n, looks, a_look = 600, 5, 60
    minimum = detectable_effect(worlds.SD * 0.8 * (2 / (looks * a_look)) ** 0.5) * 1.4
    rng = np.random.default_rng(14)

    wrong = sum(
        Verdict.NO_MEANINGFUL_DIFFERENCE
        in set(run(worlds.learners(rng, looks, a_look, effect=minimum), looks, minimum))
        for _ in range(n)
    )

    assert share("NO MEANINGFUL DIFFERENCE at the minimum effect", wrong, n) <= 0.07


SHAPES = {
    "normal": lambda rng, n: rng.normal(0, 1, n),
    "skewed": lambda rng, n: rng.exponential(1, n) - 1,
    "mostly zero": lambda rng, n: (rng.random(n) < 0.2) * rng.exponential(1, n) - 0.2,
}


# A hundred units of which eighty are zero: the normal approximation is at its end, and says so.
LEAST = {"normal": 0.94, "skewed": 0.93, "mostly zero": 0.915}


@pytest.mark.parametrize("shape", list(SHAPES))
def test_welch__uneven_arms__covers_the_truth(shape):
    rng = np.random.default_rng(15)
    covered, n = 0, 3000
    for _ in range(n):
        arms = (SHAPES[shape](rng, 300), 2 * SHAPES[shape](rng, 100))
        covered += _covers(welch.estimate(*(Moments.of(("outcome",), a[:, None]) for a in arms)))

    assert LEAST[shape] < share(f"Welch coverage, {shape}", covered, n) < 0.965


@pytest.mark.parametrize("a_arm", [8, 50])
def test_cuped__small_samples__cover_the_truth(a_arm):
    rng = np.random.default_rng(16)
    n = 3000
    covered = 0
    for _ in range(n):
        *_, arms = worlds.learners(rng, 1, a_arm)
        covered += _covers(compare(arms["control"], arms["double"]))

    assert 0.938 < share(f"CUPED coverage, {a_arm} a variant", covered, n) < 0.965


@pytest.mark.parametrize("n_teams", [3, 6, 12, 30])
def test_cluster_robust__few_uneven_teams__cover_the_truth(n_teams):
    rng = np.random.default_rng(17)
    n = 3000
    covered = 0
    for _ in range(n):
        *_, arms = worlds.teams(rng, 1, n_teams)
        covered += _covers(compare(arms["control"], arms["double"]))

    assert 0.94 < share(f"team coverage, {n_teams} a variant", covered, n) < 0.985


def test_p_values__no_effect__are_uniform():
    rng = np.random.default_rng(18)
    p_values = []
    for _ in range(2000):
        *_, arms = worlds.learners(rng, 1, 100)
        p_values.append(compare(arms["control"], arms["double"]).p_value)

    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def _covers(contrast):
    assert isinstance(contrast, Contrast)
    return abs(contrast.effect) <= critical_t(stats.norm.isf(0.025), contrast.df) * contrast.se
