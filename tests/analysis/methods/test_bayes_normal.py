import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from analysis.bayes.prior import Prior
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


MIXED = Prior(sd=1.0, source="learned", n_experiments=8, components=((0.7, 0.5), (0.3, 3.0)))


def test_posterior__heavy_tails__agree_with_numerical_integration():
    def density(x):
        before = sum(weight * stats.norm.pdf(x, 0, sd) for weight, sd in MIXED.components)
        return before * stats.norm.pdf(4.0, x, 1.0)

    total = quad(density, -20, 20, limit=200)[0]

    belief = posterior(contrast(4.0, 1.0), MIXED, minimum_effect=1.0)

    mean = quad(lambda x: x * density(x), -20, 20, limit=200)[0] / total
    second = quad(lambda x: x**2 * density(x), -20, 20, limit=200)[0] / total
    loss = quad(lambda x: -x * density(x), -20, 0)[0] / total
    assert belief.mean == pytest.approx(mean, rel=1e-7)
    assert belief.sd == pytest.approx((second - mean**2) ** 0.5, rel=1e-6)
    assert belief.p_meaningful == pytest.approx(quad(density, 1, 20)[0] / total, rel=1e-6)
    assert belief.expected_loss == pytest.approx(loss, rel=1e-4)
    assert quad(density, -20, belief.low)[0] / total == pytest.approx(0.025, rel=1e-5)
    assert quad(density, belief.high, 20)[0] / total == pytest.approx(0.025, rel=1e-5)
    assert (belief.prior_source, belief.prior_experiments, belief.prior_tail) == (
        "learned",
        8,
        "heavy",
    )


def test_posterior__heavy_tails__let_a_surprise_stand():
    surprise = contrast(8.0, 1.0)
    heavy = posterior(surprise, Prior(1.0, components=((0.9, 0.6), (0.1, 2.6)))).mean
    normal = posterior(surprise, Prior(1.0)).mean

    assert normal == pytest.approx(4.0)
    assert heavy > 6


@given(st.floats(-4, 4), st.floats(0.1, 10))
def test_posterior__arms_swapped__turns_around(z, se):
    there, back = posterior(contrast(z * se, se), MIXED), posterior(contrast(-z * se, se), MIXED)

    assert back.mean == pytest.approx(-there.mean, abs=1e-12)
    assert back.p_better == pytest.approx(1 - there.p_better)
    assert (-back.high, -back.low) == pytest.approx((there.low, there.high), abs=1e-9 * se)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_posterior__prior_without_spread__is_refused(bad):
    with pytest.raises(ValueError, match="prior sd"):
        posterior(contrast(1.0, 1.0), bad)


@pytest.mark.parametrize("prior", [2.0, MIXED])
def test_chances_to_be_best__heavy_tails_and_uneven_errors__agree_with_simulation(prior):
    effects, ses, base = np.array([0.5, 1.0, -0.3]), np.array([1.0, 1.4, 0.8]), 0.4
    contrasts = [
        contrast(effect, se, base_share=base / se**2)
        for effect, se in zip(effects, ses, strict=True)
    ]

    chances = chances_to_be_best(contrasts, prior)

    parts = prior.components if isinstance(prior, Prior) else ((1.0, prior),)
    errors = base + np.diag(ses**2 - base)
    rng, n = np.random.default_rng(4), 400_000
    evidence = [
        weight * stats.multivariate_normal.pdf(effects, np.zeros(3), errors + sd**2 * np.eye(3))
        for weight, sd in parts
    ]
    wins = np.zeros(4)
    for share, (_, sd) in zip(np.array(evidence) / sum(evidence), parts, strict=True):
        covariance = np.linalg.inv(np.linalg.inv(errors) + np.eye(3) / sd**2)
        mean = covariance @ np.linalg.solve(errors, effects)
        draws = rng.multivariate_normal(mean, covariance, n)
        best = np.column_stack([np.zeros(n), draws]).argmax(axis=1)
        wins += share * np.bincount(best, minlength=4) / n
    assert chances == pytest.approx(wins, abs=0.004)


@pytest.mark.parametrize("base_share", [0.05, 0.5, 0.95])
def test_chances_to_be_best__flat_prior__agrees_with_the_orthant_integral(base_share):
    effects = np.array([0.4, 0.9, -0.2])
    contrasts = [contrast(effect, 1.0, base_share=base_share) for effect in effects]

    chances = chances_to_be_best(contrasts, VAGUE)

    errors = base_share + (1 - base_share) * np.eye(3)
    for k in range(3):
        gaps = np.eye(3)[[k] * 3] - np.eye(3) * (np.arange(3) != k)[:, None]
        orthant = stats.multivariate_normal.cdf(
            gaps @ effects,
            np.zeros(3),
            gaps @ errors @ gaps.T,
            abseps=1e-7,
            maxpts=2_000_000,
            rng=np.random.default_rng(0),
        )
        assert chances[k + 1] == pytest.approx(orthant, abs=3e-6)
