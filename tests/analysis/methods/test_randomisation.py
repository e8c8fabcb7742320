from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from analysis.methods import cluster_robust, randomisation
from analysis.results import NotEstimable
from analysis.statistics.clusters import ClusterSums


def teams(means, sizes=None):
    means = np.asarray(means, dtype=float)
    n = np.full(len(means), 10) if sizes is None else np.asarray(sizes)
    return ClusterSums(("outcome",), n.astype(np.int64), (means * n)[:, None])


def world(seed, n_teams=6, effect=0.0):
    rng = np.random.default_rng(seed)
    means = rng.standard_t(3, 2 * n_teams) + 20
    sizes = rng.integers(4, 30, 2 * n_teams)
    means[n_teams:] += effect
    return teams(means[:n_teams], sizes[:n_teams]), teams(means[n_teams:], sizes[n_teams:])


def test_p_value__equal_teams__agrees_with_scipys_permutation_test():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 6), rng.normal(0.8, 1, 7)

    found = randomisation.estimate(teams(a), teams(b))

    theirs = stats.permutation_test(
        (b, a),
        lambda x, y, axis: np.abs(x.mean(axis) - y.mean(axis)),
        vectorized=True,
        n_resamples=np.inf,
        alternative="greater",
    )
    assert found.exact
    assert found.n_draws == 1_716
    assert found.p_value == pytest.approx(theirs.pvalue, abs=1e-12)


def test_p_value__uneven_teams__agrees_with_all_draws_by_hand():
    control, treatment = world(2, n_teams=4, effect=1.5)
    sums = np.concatenate([treatment.sums[:, 0], control.sums[:, 0]])
    sizes = np.concatenate([treatment.n, control.n])

    def difference(chosen):
        mask = np.isin(np.arange(8), chosen)
        return sums[mask].sum() / sizes[mask].sum() - sums[~mask].sum() / sizes[~mask].sum()

    observed = abs(difference(range(4)))
    by_hand = np.mean([abs(difference(c)) >= observed - 1e-9 for c in combinations(range(8), 4)])

    assert randomisation.estimate(control, treatment).p_value == pytest.approx(by_hand)


def test_interval__inverts_the_test():
    control, treatment = world(3, effect=2.0)
    found = randomisation.estimate(control, treatment)

    for edge, inwards in ((found.low, 1), (found.high, -1)):
        for shift, rejects in ((edge - inwards * 1e-6, True), (edge + inwards * 1e-6, False)):
            moved = ClusterSums(
                treatment.columns, treatment.n, treatment.sums - shift * treatment.n[:, None]
            )
            assert (randomisation.estimate(control, moved).p_value <= 0.05) is rejects


def test_p_value__no_effect_and_heavy_tails__is_too_small_no_more_often_than_it_says():
    rng = np.random.default_rng(4)
    rejected = sum(
        randomisation.estimate(*world(int(rng.integers(1 << 31)), n_teams=4)).p_value <= 0.05
        for _ in range(1_000)
    )

    assert rejected <= 78


def test_p_value__many_teams__agrees_with_the_cluster_robust_test():
    control, treatment = world(5, n_teams=40, effect=0.6)

    found = randomisation.estimate(control, treatment)

    assert found.exact is False
    assert found.n_draws == 20_000
    robust = cluster_robust.estimate(control, treatment)
    assert found.effect == pytest.approx(robust.effect)
    assert found.p_value == pytest.approx(robust.p_value, abs=0.05)
    assert found == randomisation.estimate(control, treatment)


def test_interval__three_teams_each__cannot_exclude_anything():
    found = randomisation.estimate(teams([1.0, 2.0, 3.0]), teams([11.0, 12.0, 13.0]))

    assert found.p_value == pytest.approx(0.1)
    assert (found.low, found.high) == (None, None)


@pytest.mark.parametrize("means", [[[5.0], [6.0, 7.0]], [[5.0, 5.0], [5.0, 5.0]]])
def test_randomisation__nothing_to_draw_from__is_refused(means):
    assert isinstance(randomisation.estimate(teams(means[0]), teams(means[1])), NotEstimable)
