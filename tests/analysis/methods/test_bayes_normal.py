
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from analysis.contrast import Contrast, critical_t
from analysis.methods.bayes_normal import chances_to_be_best, expected_loss, posterior

VAGUE = 1e9


def contrast(effect, se, df=1e7, base_share=0.5):
    return Contrast(
        method="welch",
        n=100,
        n_control=100,
        n_learners=100,
        n_learners_control=100,
        mean=10 + effect,
        mean_control=10.0,
        variance=(1 - base_share) * se**2,
        variance_control=base_share * se**2,
        covariance=0.0,
        df=df,
    )


@given(st.floats(-4, 4), st.floats(0.1, 10))
def test_posterior__flat_prior__p_better_is_one_minus_half_p(z, se):
    found = contrast(z * se, se)

    belief = posterior(found, VAGUE)

    p_worse = 1 - belief.p_better if z > 0 else belief.p_better
    assert p_worse == pytest.approx(found.p_value / 2, rel=1e-4, abs=1e-12)


@pytest.mark.parametrize("df", [4, 30, 1e6])
def test_posterior__flat_prior__interval_is_the_t_interval(df):
    found = contrast(2.0, 1.5, df)

    belief = posterior(found, VAGUE)

    reach = stats.t.isf(0.025, df) * 1.5
    assert (belief.low, belief.high) == pytest.approx((2 - reach, 2 + reach), rel=1e-9)


def test_posterior__prior_and_data__agree_with_numerical_integration():
    def density(x):
        return stats.norm.pdf(x, 0, 2.0) * stats.norm.pdf(3.0, x, 1.0)

    total = quad(density, -20, 20)[0]
    mean = quad(lambda x: x * density(x), -20, 20)[0] / total

    belief = posterior(contrast(3.0, 1.0), 2.0, minimum_effect=1.0)

    assert belief.mean == pytest.approx(mean, rel=1e-6)
    assert belief.p_better == pytest.approx(quad(density, 0, 20)[0] / total, rel=1e-6)
    assert belief.p_meaningful == pytest.approx(quad(density, 1, 20)[0] / total, rel=1e-6)
    loss = quad(lambda x: -x * density(x), -20, 0)[0] / total
    assert belief.expected_loss == pytest.approx(loss, rel=1e-5)


def test_posterior__less_is_better__turns_chance_and_loss_around():
    more, less = posterior(contrast(1.0, 1.0), 2.0), posterior(contrast(1.0, 1.0), 2.0, sign=-1)

    assert less.p_better == pytest.approx(1 - more.p_better)
    assert less.expected_loss - more.expected_loss == pytest.approx(more.mean)


@given(st.floats(-40, 40), st.floats(0.01, 50))
def test_expected_loss__any_belief__is_never_negative(mean, sd):
    assert expected_loss(mean, sd) >= 0


def test_chances_to_be_best__one_treatment__is_p_better():
    found = contrast(1.2, 1.0)

    control, treatment = chances_to_be_best([found], 3.0)

    assert treatment == pytest.approx(posterior(found, 3.0).p_better)
    assert control == pytest.approx(1 - treatment)


@pytest.mark.parametrize("sign", [1, -1])
def test_chances_to_be_best__four_variants__agree_with_simulation(sign):
    effects, error = np.array([0.5, 1.0, -0.3]), np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    contrasts = [contrast(effect, 1.0) for effect in effects]

    chances = chances_to_be_best(contrasts, 2.0, sign)

    precision = np.linalg.inv(error) + np.eye(3) / 4
    covariance = np.linalg.inv(precision)
    mean = covariance @ np.linalg.inv(error) @ effects
    draws = np.random.default_rng(0).multivariate_normal(mean, covariance, 400_000)
    best = (sign * np.column_stack([np.zeros(len(draws)), draws])).argmax(axis=1)
    assert chances == pytest.approx(np.bincount(best, minlength=4) / len(draws), abs=0.004)
    assert sum(chances) == pytest.approx(1.0)


def test_chances_to_be_best__asked_twice__answers_the_same():
    contrasts = [contrast(0.5, 1.0), contrast(0.7, 1.2), contrast(-1.0, 0.9), contrast(0.1, 1.0)]

    assert chances_to_be_best(contrasts, 1.0) == chances_to_be_best(contrasts, 1.0)


def test_posterior__few_teams__is_less_sure_than_with_many():
    few, many = posterior(contrast(2.0, 1.0, df=4), VAGUE), posterior(contrast(2.0, 1.0), VAGUE)

    assert few.p_better < many.p_better
    assert few.sd == pytest.approx(critical_t(stats.norm.isf(0.025), 4) / stats.norm.isf(0.025))


def test_chances_to_be_best__twenty_variants__sum_to_one():
    rng = np.random.default_rng(5)
    contrasts = [contrast(effect, 1.0) for effect in rng.normal(0, 1, 19)]

    chances = chances_to_be_best(contrasts, 2.0)

    assert sum(chances) == pytest.approx(1)
