import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize_scalar

from analysis.bayes.draws import choose, eti, hdi, normal_draws

RNG_DRAWS = np.random.default_rng(0).gamma(2.0, 1.0, 400_000)


def test_hdi__skewed_posterior__is_the_shortest_interval():
    gamma = stats.gamma(2.0)
    lower = minimize_scalar(
        lambda share: gamma.ppf(share + 0.95) - gamma.ppf(share), bounds=(0, 0.05), method="bounded"
    ).x

    assert hdi(RNG_DRAWS) == pytest.approx((gamma.ppf(lower), gamma.ppf(lower + 0.95)), abs=0.05)


def test_hdi__arviz__agrees():
    import arviz

    assert hdi(RNG_DRAWS) == pytest.approx(tuple(arviz.hdi(RNG_DRAWS, hdi_prob=0.95)), abs=1e-3)


def test_eti__skewed_posterior__has_equal_tails():
    assert eti(RNG_DRAWS, 0.9) == pytest.approx(stats.gamma(2.0).ppf([0.05, 0.95]), rel=0.01)
    assert hdi(RNG_DRAWS)[0] < eti(RNG_DRAWS)[0]


@pytest.mark.parametrize("interval", [hdi, eti])
def test_interval__bad_input__is_refused(interval):
    with pytest.raises(ValueError, match="at least 100"):
        interval(np.zeros(5))
    with pytest.raises(ValueError, match="a share such as"):
        interval(RNG_DRAWS, 95)


def test_choose__two_normals__agrees_with_the_closed_form():
    draws = normal_draws(
        np.array([1.0, 1.5]), np.array([[0.5, 0.2], [0.2, 0.8]]), 400_000, np.random.default_rng(1)
    )
    mean, sd = 0.5, (0.5 + 0.8 - 0.4) ** 0.5

    chosen = choose({"control": draws[:, 0], "bonus": draws[:, 1]}, worth=200.0)

    loss = sd * stats.norm.pdf(mean / sd) - mean * stats.norm.sf(mean / sd)
    assert chosen["bonus"].p_best == pytest.approx(stats.norm.cdf(mean / sd), abs=0.004)
    assert chosen["bonus"].expected_loss == pytest.approx(loss, abs=0.004)
    assert chosen["control"].expected_loss == pytest.approx(loss + mean, abs=0.006)
    assert chosen["bonus"].loss_in_money == pytest.approx(200 * chosen["bonus"].expected_loss)


def test_choose__less_is_better__turns_around():
    draws = {"a": np.array([1.0, 2.0]), "b": np.array([2.0, 5.0])}

    assert choose(draws)["b"].p_best == 1
    assert choose(draws, sign=-1)["a"].p_best == 1
    assert choose(draws, sign=-1)["b"].expected_loss == pytest.approx(2)
    assert choose(draws)["a"].loss_in_money is None


def test_choose__equal_draws__share_the_win():
    chosen = choose({"a": np.ones(3), "b": np.ones(3)})

    assert (chosen["a"].p_best, chosen["b"].p_best) == (0.5, 0.5)


@pytest.mark.parametrize("draws", [{"a": [1.0]}, {"a": [1.0], "b": [1.0, 2.0]}])
def test_choose__nothing_to_choose_between__is_refused(draws):
    with pytest.raises(ValueError, match="at least two"):
        choose(draws)


def test_normal_draws__singular_covariance__keeps_mean_and_spread():
    draws = normal_draws(np.zeros(2), np.ones((2, 2)), 10_001, np.random.default_rng(2))

    assert draws.shape == (10_001, 2)
    assert np.allclose(draws[:, 0], draws[:, 1])
    assert draws[:, 0].std() == pytest.approx(1, abs=0.03)
