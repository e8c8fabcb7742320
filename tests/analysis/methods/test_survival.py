"""Against R's survival (veteran, lung) and lifelines (Rossi's data on re-arrest)."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.contrast import NO_VARIANCE, critical_t
from analysis.methods import compare, survival
from analysis.results import NotEstimable
from analysis.statistics.life import LifeTable
from tests.oracles.rscript import values

CASES = values("survival")["cases"]


def table(horizon, time, event):
    counts = Counter(zip(time, event, strict=True))
    return LifeTable.of(horizon, [(t, bool(e), n) for (t, e), n in counts.items()])


def arms_of(case):
    time, event, arm = (np.array(case[name]) for name in ("time", "event", "arm"))
    return [table(case["horizon"], time[arm == a], event[arm == a]) for a in (0, 1)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['name']}-{case['horizon']}")
def test_survival__published_data__is_what_r_says(case):
    control, treatment = arms_of(case)

    means = survival.estimate(control, treatment)
    shares = survival.estimate(control, treatment, "share_with")
    test = survival.log_rank(control, treatment)

    for found, expected in (("mean_control", "control"), ("mean", "treatment")):
        assert getattr(means, found) == pytest.approx(case[expected]["mean"], rel=1e-9)
        assert 1 - getattr(shares, found) == pytest.approx(case[expected]["share"], rel=1e-9)
    for found, expected in (("variance_control", "control"), ("variance", "treatment")):
        assert getattr(means, found) ** 0.5 == pytest.approx(case[expected]["mean_se"], rel=1e-9)
        assert getattr(shares, found) ** 0.5 == pytest.approx(case[expected]["share_se"], rel=1e-9)
    assert test.chi_square == pytest.approx(case["chi_square"], rel=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_survival__rossis_data__is_what_lifelines_says():
    from lifelines import KaplanMeierFitter
    from lifelines.datasets import load_rossi
    from lifelines.statistics import logrank_test
    from lifelines.utils import restricted_mean_survival_time

    rossi = load_rossi()
    paid, unpaid = rossi[rossi.fin == 1], rossi[rossi.fin == 0]
    control, treatment = (table(52, each.week, each.arrest) for each in (unpaid, paid))

    contrast = survival.estimate(control, treatment)
    test = survival.log_rank(control, treatment)

    for found, rows in ((contrast.mean, paid), (contrast.mean_control, unpaid)):
        curve = KaplanMeierFitter().fit(rows.week, rows.arrest)
        assert found == pytest.approx(restricted_mean_survival_time(curve, t=52), rel=1e-9)
    for arm, rows in ((treatment, paid), (control, unpaid)):
        curve = KaplanMeierFitter().fit(rows.week, rows.arrest)
        assert arm.survival() == pytest.approx(curve.predict(arm.time).to_numpy(), rel=1e-9)
    expected = logrank_test(paid.week, unpaid.week, paid.arrest, unpaid.arrest)
    assert test.chi_square == pytest.approx(expected.test_statistic, rel=1e-9)
    assert test.p_value == pytest.approx(expected.p_value, rel=1e-9)
    assert test.observed == int(paid.arrest.sum())


def drawn(seed, n=200, scale=20.0, watched=28):
    rng = np.random.default_rng(seed)
    event_at = np.ceil(rng.exponential(scale, n))
    censored_at = rng.integers(10, watched + 1, n)
    event = event_at <= censored_at
    return np.where(event, event_at, censored_at).astype(int), event.astype(int)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_life_table__merged__is_the_whole(seed):
    time, event = drawn(seed)

    merged = table(28, time[:80], event[:80]) + table(28, time[80:], event[80:])

    whole = table(28, time, event)
    assert merged.time.tolist() == whole.time.tolist()
    assert merged.events.tolist() == whole.events.tolist()
    assert merged.at_risk.tolist() == whole.at_risk.tolist()


def test_life_table__other_horizon__cannot_join():
    with pytest.raises(ValueError, match="up to 7 cannot join one up to 28"):
        table(28, [3], [1]) + table(7, [3], [1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_survival__nobody_censored_early__is_the_mean_of_the_times(seed):
    rng = np.random.default_rng(seed)
    time = np.minimum(np.ceil(rng.exponential(20, 100)), 28)
    event = (time < 28).astype(int)

    mean, variance = table(28, time, event).restricted_mean()

    # Without censoring Greenwood's variance is the plain one with divisor n.
    assert mean == pytest.approx(time.mean(), rel=1e-12)
    assert variance == pytest.approx(time.var() / 100, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_survival__arms_swapped__flips_the_sign(seed):
    a, b = table(28, *drawn(seed)), table(28, *drawn(seed + 1))

    assume(a.is_watched_to_horizon and b.is_watched_to_horizon)
    there, back = survival.estimate(a, b), survival.estimate(b, a)

    assert there.effect == pytest.approx(-back.effect)
    assert there.se == pytest.approx(back.se)
    assert survival.log_rank(a, b).chi_square == pytest.approx(survival.log_rank(b, a).chi_square)


def test_survival__censored_learners__covers_the_truth():
    # Events at the end of each day with hazard 1 - exp(-1/20), so the true mean is a finite sum.
    truth = float(np.exp(-np.arange(28) / 20).sum())
    hits = 0
    for seed in range(1500):
        mean, variance = table(28, *drawn(seed)).restricted_mean()
        hits += abs(mean - truth) < critical_t(1.959963984540054, 1e10) * variance**0.5

    # 95 % with a Monte-Carlo error of .6 %: four of them each way.
    assert 0.927 < hits / 1500 < 0.973


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        (([5], [1]), ([5, 6], [1, 1]), "fewer than two units"),
        (([5, 6, 7], [1, 0, 0]), ([5, 28], [1, 0]), "watched as long as the horizon"),
    ],
)
def test_survival__cannot_be_compared__says_why(control, treatment, reason):
    answer = survival.estimate(table(28, *control), table(28, *treatment))

    assert isinstance(answer, NotEstimable)
    assert reason in answer.reason


def test_survival__no_event_at_all__has_nothing_to_compare():
    watched = table(28, [28, 28, 28], [0, 0, 0])

    assert survival.estimate(watched, watched) == NO_VARIANCE
    assert survival.log_rank(watched, watched) == NO_VARIANCE


def test_compare__life_tables__are_compared_by_their_restricted_means():
    a, b = table(28, *drawn(1)), table(28, *drawn(2))

    assert compare(a, b) == survival.estimate(a, b)
