import numpy as np
import pytest
from scipy import stats

from analysis.bandit import batched
from analysis.bandit.shares import next_shares
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments


def moments(values):
    return Moments.of(("outcome",), np.asarray(values, dtype=float)[:, None])


def run_bandit(rng, effect, n_batches=8, n=60):
    """Plain Thompson sampling with a small floor: what it does to pooled means is easy to see."""
    shares = {"a": 0.5, "b": 0.5}
    batches = []
    for number in range(n_batches):
        n_b = int(np.clip(rng.binomial(n, shares["b"]), 2, n - 2))
        a, b = rng.normal(0, 1, n - n_b), rng.normal(effect, 1, n_b)
        batches.append((moments(a), moments(b)))
        arms = {"a": [c for c, _ in batches], "b": [t for _, t in batches]}
        shares = next_shares(arms, floor=0.05, prior_sd=1.0, leader_share=1.0, seed=number)
    return batches


def covers(contrast, effect):
    return abs(contrast.effect - effect) <= stats.t.isf(0.025, contrast.df) * contrast.se


def test_batched__one_batch__is_students_test():
    rng = np.random.default_rng(1)
    a, b = rng.normal(5, 2, 30), rng.normal(6, 2, 50)

    found = batched.estimate([(moments(a), moments(b))])

    test = stats.ttest_ind(b, a, equal_var=True)
    assert found.p_value == pytest.approx(test.pvalue, rel=1e-9)
    assert found.df == pytest.approx(test.df)
    assert found.se == pytest.approx((found.variance + found.variance_control) ** 0.5)


def test_batched__several__is_the_sum_of_their_statistics_over_the_root_of_their_number():
    rng = np.random.default_rng(2)
    rows = [(rng.normal(0, 1, n), rng.normal(0.4, 1, m)) for n, m in ((40, 20), (10, 50), (30, 30))]

    found = batched.estimate([(moments(a), moments(b)) for a, b in rows])

    statistics = [stats.ttest_ind(b, a).statistic for a, b in rows]
    assert found.effect / found.se == pytest.approx(sum(statistics) / 3**0.5)


@pytest.mark.parametrize("effect", [0.0, 0.2])
def test_batched__after_a_bandit__covers_where_pooling_does_not(effect, monkeypatch):
    monkeypatch.setattr("analysis.bandit.shares.DRAWS", 2_000)
    rng = np.random.default_rng(3)
    honest, biases = 0, []
    for _ in range(300):
        batches = run_bandit(rng, effect)
        honest += covers(batched.estimate(batches), effect)
        a, b = batches[0]
        for control, treatment in batches[1:]:
            a, b = a + control, b + treatment
        biases.append(a.mean_of("outcome") + b.mean_of("outcome") - effect)

    assert 270 <= honest <= 298
    # A variant that is unlucky early gets few chances to recover: pooled means are too low.
    assert np.mean(biases) < -3 * np.std(biases) / len(biases) ** 0.5


def test_batched__batch_without_a_variant__is_left_out():
    rng = np.random.default_rng(4)
    full = (moments(rng.normal(0, 1, 30)), moments(rng.normal(1, 1, 30)))

    assert batched.estimate([full, (full[0], moments([1.0]))]) == batched.estimate([full])


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0, 1.0]])
def test_batched__nothing_to_judge_by__is_refused(values):
    assert isinstance(batched.estimate([(moments(values), moments(values))]), NotEstimable)
