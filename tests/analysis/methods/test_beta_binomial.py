import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from analysis.methods.beta_binomial import ShareBelief, chance_above, estimate, posterior
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

BETAS = [
    ((3, 7), (5, 9)),
    ((3.5, 7.5), (5.5, 9.5)),
    ((0.5, 20.5), (0.5, 30.5)),
    ((3.5, 7), (2.5, 4.5)),
    ((1200, 5000), (1300, 5000)),
    ((60001, 940001), (60501, 939501)),
    ((1, 5001), (1, 3001)),
]


@pytest.mark.parametrize(("a", "b"), BETAS)
def test_chance_above__any_parameters__agrees_with_numerical_integration(a, b):
    first, second = stats.beta(*a), stats.beta(*b)
    ends = float(first.ppf(1e-16)), float(first.isf(1e-16))
    expected = quad(
        lambda x: first.pdf(x) * second.cdf(x), *ends, limit=400, epsabs=1e-13, epsrel=1e-11
    )[0]

    assert chance_above(a, b) == pytest.approx(expected, abs=3e-11)


def test_chance_above__sum_and_integral__are_one_number():
    from analysis.methods import beta_binomial

    for a, b in BETAS[:1] + BETAS[4:]:
        assert beta_binomial._by_quadrature(a, b) == pytest.approx(chance_above(a, b), abs=1e-10)


@pytest.mark.parametrize(
    ("treatment", "control", "prior"),
    [((3, 10), (1, 12), (1, 1)), ((0, 5), (0, 9), (1, 1)), ((40, 90), (30, 85), (0.5, 0.5))],
)
def test_posterior__small_counts__agrees_with_simulation(treatment, control, prior):
    rng, n = np.random.default_rng(1), 2_000_000
    a = rng.beta(treatment[0] + prior[0], treatment[1] - treatment[0] + prior[1], n)
    b = rng.beta(control[0] + prior[0], control[1] - control[0] + prior[1], n)

    belief = posterior(*treatment, control, prior)

    difference = a - b
    assert belief.mean == pytest.approx(difference.mean(), abs=6e-4)
    assert belief.sd == pytest.approx(difference.std(), rel=3e-3)
    assert belief.p_better == pytest.approx((difference > 0).mean(), abs=1.5e-3)
    assert belief.expected_loss == pytest.approx(np.maximum(0, -difference).mean(), abs=3e-4)
    assert (belief.low, belief.high) == pytest.approx(
        tuple(np.quantile(difference, [0.025, 0.975])), abs=2.5e-3
    )


counts = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_posterior__arms_swapped__turns_around(a, b):
    there, back = posterior(*a, b), posterior(*b, a)

    assert back.mean == pytest.approx(-there.mean, abs=1e-12)
    assert back.p_better == pytest.approx(1 - there.p_better, abs=1e-9)
    assert (-back.high, -back.low) == pytest.approx((there.low, there.high), abs=1e-7)
    assert there.expected_loss >= 0
    # What is lost one way and won the other add up to the effect.
    assert back.expected_loss - there.expected_loss == pytest.approx(there.mean, abs=1e-9)


def test_posterior__less_is_better__turns_chance_and_loss_around():
    more, less = posterior(30, 100, (20, 100)), posterior(30, 100, (20, 100), sign=-1)

    assert less.p_better == pytest.approx(1 - more.p_better)
    assert less.expected_loss - more.expected_loss == pytest.approx(more.mean)


def test_posterior__many_units__is_the_normal_one():
    belief = posterior(5_200, 50_000, (5_000, 50_000))
    se = (0.104 * 0.896 / 50_000 + 0.1 * 0.9 / 50_000) ** 0.5

    assert belief.p_better == pytest.approx(stats.norm.cdf(0.004 / se), abs=2e-4)
    assert belief.low == pytest.approx(0.004 - 1.96 * se, abs=2e-5)


@pytest.mark.parametrize(
    ("k", "n", "control", "prior"), [(5, 4, (1, 2), (1, 1)), (1, 4, (-1, 2), (1, 1))]
)
def test_posterior__impossible_counts__are_refused(k, n, control, prior):
    with pytest.raises(ValueError, match="successes of"):
        posterior(k, n, control, prior)


def test_posterior__prior_without_weight__is_refused():
    with pytest.raises(ValueError, match="Beta"):
        posterior(1, 2, (1, 2), (0, 1))


def moments(values):
    return Moments.of(("outcome",), np.array(values, dtype=float)[:, None])


def test_estimate__moments_of_zeros_and_ones__is_the_posterior_of_their_counts():
    found = estimate(moments([1] * 3 + [0] * 9), moments([1] * 5 + [0] * 5))

    assert isinstance(found, ShareBelief)
    assert found == posterior(5, 10, (3, 12))


@pytest.mark.parametrize("values", [[0, 1, 2, 0], [0.5, 0.5], [3, 4]])
def test_estimate__outcome_is_no_share__says_so(values):
    found = estimate(moments([0, 1, 1]), moments(values))

    assert isinstance(found, NotEstimable)
    assert "not 0 or 1" in found.reason


def test_estimate__nobody_in_an_arm__says_so():
    assert isinstance(estimate(Moments.empty(("outcome",)), moments([0, 1])), NotEstimable)
