import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from statsmodels.stats.meta_analysis import combine_effects

from analysis.bayes.prior import Prior
from analysis.bayes.priors import PastEffect, heterogeneity, learn_prior
from tests.oracles import rscript

ORACLE = rscript.values("meta")


@pytest.mark.parametrize("fit", ORACLE["fits"], ids=lambda fit: f"{fit['name']}-{fit['method']}")
def test_heterogeneity__metafor__agrees(fit):
    found = heterogeneity(fit["y"], fit["se"], fit["method"])

    assert found.tau**2 == pytest.approx(fit["tau2"], rel=1e-9, abs=1e-9)
    assert found.mean == pytest.approx(fit["mean"], rel=1e-9, abs=1e-9)
    assert found.se == pytest.approx(fit["mean_se"], rel=1e-9)


def test_heterogeneity__oracle__is_what_r_makes_now():
    made = rscript.regenerated("meta")
    if made is None:
        pytest.skip("R or metafor is missing")

    for kept, now in zip(ORACLE["fits"], made["fits"], strict=True):
        assert now["tau2"] == pytest.approx(kept["tau2"], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_heterogeneity__statsmodels__agrees(seed):
    rng = np.random.default_rng(seed)
    se = rng.uniform(0.3, 2, 15)
    y = rng.normal(0.4, (1 + se**2) ** 0.5)

    theirs = combine_effects(y, se**2, method_re="dl")

    assert heterogeneity(y, se, "DL").tau ** 2 == pytest.approx(theirs.tau2, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("effects", "ses"),
    [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, 2.0], [1.0, 0.0]), ([1.0, np.nan], [1.0, 1.0])],
)
def test_heterogeneity__bad_input__says_what_is_right(effects, ses):
    with pytest.raises(ValueError, match="effects and ses"):
        heterogeneity(effects, ses)


def past(effects, ses, names=None):
    names = names or [f"e{i}" for i in range(len(effects))]
    return [PastEffect(n, float(y), float(s)) for n, y, s in zip(names, effects, ses, strict=True)]


def test_learn_prior__four_experiments__are_too_few():
    assert learn_prior(past([1, 2, 3, 4], [1, 1, 1, 1])) is None
    assert learn_prior(past([1, 2, 3, 4, 5], [1] * 5, ["a", "a", "b", "c", "d"])) is None


def test_learn_prior__five_experiments__agrees_with_numerical_integration():
    y, se = np.array([1.0, -2.0, 0.5, 3.0, -1.5]), np.array([1.0, 0.8, 1.2, 0.9, 1.0])

    def likelihood(tau):
        total = se**2 + tau**2
        return float(np.exp(-0.5 * (np.log(total) + y**2 / total).sum()))

    top = 10 * float(np.sqrt(np.mean(y**2 + se**2)))
    mass = quad(likelihood, 0, top, limit=200)[0]
    variance = quad(lambda tau: tau**2 * likelihood(tau), 0, top, limit=200)[0] / mass

    prior = learn_prior(past(y, se))

    assert prior.sd == pytest.approx(variance**0.5, rel=1e-3)
    assert sum(weight for weight, _ in prior.components) == pytest.approx(1)
    assert prior.n_experiments == 5


def test_learn_prior__treatments_of_one_experiment__count_once():
    y, se = [1.0, -2.0, 0.5, 3.0, -1.5], [1.0, 0.8, 1.2, 0.9, 1.0]

    once = learn_prior(past(y, se))
    twice = learn_prior(past([*y, 3.0], [*se, 0.9], ["e0", "e1", "e2", "e3", "e4", "e3"]))

    assert twice.n_experiments == 5
    assert twice.sd == pytest.approx(once.sd, rel=1e-9)


def test_learn_prior__many_experiments__finds_their_spread_and_light_tails():
    rng = np.random.default_rng(3)
    se = rng.uniform(0.2, 0.6, 400)

    prior = learn_prior(past(rng.normal(0, (1.5**2 + se**2) ** 0.5), se))

    assert prior.sd == pytest.approx(1.5, rel=0.15)  # four standard errors
    scales = np.array([sd for _, sd in prior.components])
    assert scales.max() / scales.min() < 1.35


def test_learn_prior__no_spread_at_all__keeps_the_prior_open():
    prior = learn_prior(past([0.0] * 6, [1.0] * 6))

    assert 0.3 < prior.sd < 3


def test_learn_prior__normal_tail__keeps_the_variance():
    y, se = [1.0, -2.0, 0.5, 3.0, -1.5], [1.0, 0.8, 1.2, 0.9, 1.0]

    heavy, normal = learn_prior(past(y, se)), learn_prior(past(y, se), tail="normal")

    assert (heavy.tail, normal.tail) == ("heavy", "normal")
    assert heavy.sd == normal.sd


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.01, 20)), min_size=5, max_size=20))
def test_learn_prior__any_history__is_a_proper_prior(history):
    prior = learn_prior(past(*zip(*history, strict=True)))

    assert 0 < prior.sd < np.inf
    assert sum(weight for weight, _ in prior.components) == pytest.approx(1)


def test_prior__as_json_and_back__is_the_same():
    prior = Prior(2.0, 0.5, "learned", 7, ((0.25, 1.0), (0.75, 2.5)))

    assert Prior.from_json(prior.to_json()) == prior
