"""Many mixtures at once against one belief at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from analysis.bayes.belief import Belief
from analysis.bayes.mixtures import Mixtures, weighted_quantiles


def some(seed, parts=40, beliefs=7, spread=1.0):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(parts, 0.3))
    means = spread * rng.normal(0, 3, (parts, beliefs))
    return Mixtures(weights, means, rng.uniform(0.05, 2, (parts, beliefs)))


@given(seed=st.integers(0, 10_000), spread=st.sampled_from([0.0, 1.0, 1e4]))
def test_mixtures__any__say_what_each_belief_says(seed, spread):
    found = some(seed, spread=spread)

    low, high = found.quantiles((0.025, 0.975))

    for j in range(found.means.shape[1]):
        belief = Belief(found.weights, found.means[:, j], found.sds[:, j])
        assert found.mean[j] == pytest.approx(belief.mean, rel=1e-12, abs=1e-12)
        assert found.sd[j] == pytest.approx(belief.sd, rel=1e-12)
        assert found.above(0.5)[j] == pytest.approx(belief.above(0.5), rel=1e-12)
        for value, share in ((low[j], 0.025), (high[j], 0.975)):
            below = found.weights @ ndtr((value - found.means[:, j]) / found.sds[:, j])
            assert below == pytest.approx(share, abs=1e-11)


def test_mixtures__two_far_apart__has_its_quantiles_where_it_is_flat_between():
    found = Mixtures(np.array([0.5, 0.5]), np.array([[-1e3], [1e3]]), np.array([[1.0], [1.0]]))

    low, high = found.quantiles((0.025, 0.975))[:, 0]

    assert (low, high) == pytest.approx((-1e3 - 1.6448536, 1e3 + 1.6448536))


def test_weighted_quantiles__equal_weights__are_those_between_the_points():
    found = weighted_quantiles(np.arange(5.0), np.full(5, 0.2), (0.1, 0.5, 0.8))

    assert found == pytest.approx([0.0, 2.0, 3.5])
