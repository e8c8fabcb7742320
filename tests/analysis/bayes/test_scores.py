"""The score in two questions, against scipy, raw rows in PyMC, and worlds with a known truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import dblquad

from analysis.bayes import scores
from analysis.bayes.sampler import Effort
from analysis.bayes.scores import ScoreSums, compare_scores, compare_scores_by_sampling


def world(seed, n, engaged=0.7, full=0.03, mean=0.5, k=6.0):
    rng = np.random.default_rng(seed)
    between = 100 * rng.beta(mean * k, (1 - mean) * k, n)
    return np.where(rng.random(n) < engaged, np.where(rng.random(n) < full, 100.0, between), 0.0)


CONTROL, TREATMENT = world(1, 1_500), world(2, 1_500, engaged=0.78, mean=0.53)
ARMS = {"control": ScoreSums.of(CONTROL), "bonus": ScoreSums.of(TREATMENT)}
FEW = {"control": ScoreSums.of(world(3, 15)), "bonus": ScoreSums.of(world(4, 15))}


def test_score_sums__two_halves__add_up_to_the_whole():
    whole = ScoreSums.of(CONTROL)
    halves = ScoreSums.of(CONTROL[:700]) + ScoreSums.of(CONTROL[700:])

    assert (halves.n, halves.n_zero, halves.n_full) == (whole.n, whole.n_zero, whole.n_full)
    assert halves.log_score == pytest.approx(whole.log_score)
    assert halves.log_rest == pytest.approx(whole.log_rest)


@pytest.mark.parametrize("bad", [[-1.0, 5.0], [50.0, 101.0], [np.nan, 4.0]])
def test_score_sums__outside_0_to_100__is_refused(bad):
    with pytest.raises(ValueError, match="between 0 and 100"):
        ScoreSums.of(np.array(bad))


@given(st.floats(-3, 3), st.floats(-1, 5))
def test_log_posterior__sums__are_what_rows_say(logit_mean, log_k):
    y = CONTROL[(CONTROL > 0) & (CONTROL < 100)][:50] / 100
    mean, k = 1 / (1 + np.exp(-logit_mean)), np.exp(log_k)
    by_rows = stats.beta.logpdf(y, mean * k, (1 - mean) * k).sum()
    prior = stats.logistic.logpdf(logit_mean) + stats.norm.logpdf(log_k, *scores.CONCENTRATION)

    found = scores.log_posterior(ScoreSums.of(100 * y), np.array(logit_mean), np.array(log_k))

    constant = stats.norm.logpdf(0, 0, scores.CONCENTRATION[1])
    assert float(found) == pytest.approx(by_rows + prior - constant, rel=1e-8, abs=1e-6)


def test_grid__five_learners__agrees_with_numerical_integration():
    sums = ScoreSums.of(np.array([12.0, 30.0, 55.0, 61.0, 40.0]))

    def density(log_k, logit_mean):
        found = scores.log_posterior(sums, np.array(logit_mean), np.array(log_k))
        return float(np.exp(found - 1.0))

    def integral(weight):
        return dblquad(
            lambda log_k, x: density(log_k, x) * weight(x), -5, 5, -4, 8, epsabs=1e-7, epsrel=1e-6
        )[0]

    total = integral(lambda x: x * 0 + 1)
    mean = integral(lambda x: 1 / (1 + np.exp(-x))) / total
    sd = (integral(lambda x: (1 / (1 + np.exp(-x)) - mean) ** 2) / total) ** 0.5

    draws = scores._grid_draws(sums, np.random.default_rng(0))

    assert draws.mean() == pytest.approx(mean, abs=4 * sd / 63)
    assert draws.std() == pytest.approx(sd, rel=0.06)


def test_compare_scores__many_learners__agrees_with_maximum_likelihood():
    found = compare_scores(ARMS, seed=1).effects[0]

    means = []
    for arm in (CONTROL, TREATMENT):
        between = arm[(arm > 0) & (arm < 100)] / 100
        a, b, _, _ = stats.beta.fit(between, floc=0, fscale=1)
        full = (arm == 100).sum() / (arm > 0).sum()
        means.append(100 * (full + (1 - full) * a / (a + b)))
    shares = (TREATMENT > 0).mean() - (CONTROL > 0).mean()
    assert found.engaged.mean == pytest.approx(shares, abs=0.002)
    assert found.if_engaged.mean == pytest.approx(means[1] - means[0], abs=0.15)
    raw = TREATMENT.mean() - CONTROL.mean()
    se = (TREATMENT.var() / 1_500 + CONTROL.var() / 1_500) ** 0.5
    assert found.overall.mean == pytest.approx(raw, abs=0.3)
    assert found.overall.sd == pytest.approx(se, rel=0.1)


def test_compare_scores__arms_swapped__turns_around():
    there = compare_scores(ARMS, seed=1).effects[0].overall
    back = compare_scores(dict(reversed(ARMS.items())), seed=1).effects[0].overall

    assert back.mean == pytest.approx(-there.mean, abs=0.1)
    assert compare_scores(ARMS, seed=1, sign=-1).effects[0].overall.p_better == pytest.approx(
        1 - there.p_better, abs=0.03
    )


def test_compare_scores__many_worlds__covers_the_truth():
    covered = 0
    rng = np.random.default_rng(8)
    for _ in range(100):
        seed = int(rng.integers(1e9))
        arms = {
            "control": ScoreSums.of(world(seed, 120)),
            "bonus": ScoreSums.of(world(seed + 1, 120, engaged=0.8, mean=0.55)),
        }
        part = compare_scores(arms, seed).effects[0].overall
        truth = 100 * (0.8 * (0.03 + 0.97 * 0.55) - 0.7 * (0.03 + 0.97 * 0.5))
        covered += part.low <= truth <= part.high

    assert 86 <= covered <= 100  # 95 expected, 4 standard errors of 2.2


@pytest.mark.parametrize(
    ("arms", "words"),
    [
        ({"a": ARMS["control"]}, "found 1"),
        ({"a": ARMS["control"], "b": ScoreSums(5, 5, 0, 0.0, 0.0)}, "beta_binomial"),
    ],
)
def test_compare_scores__too_little__is_refused(arms, words):
    with pytest.raises(ValueError, match=words):
        compare_scores(arms, seed=0)


# --- the same by NUTS: the model is compiled once for this file


@pytest.mark.parametrize("arms", [ARMS, FEW], ids=["many", "few"])
def test_compare_scores_by_sampling__any_size__agrees_with_the_grid(arms):
    sampled = compare_scores_by_sampling(arms, seed=3)
    grid = compare_scores(arms, seed=4)

    assert sampled.method == "nuts"
    assert sampled.diagnostics.trusted
    for name in ("engaged", "if_engaged", "overall"):
        a, b = getattr(sampled.effects[0], name), getattr(grid.effects[0], name)
        assert a.mean == pytest.approx(b.mean, abs=4 * b.sd / 20)
        assert a.sd == pytest.approx(b.sd, rel=0.15)


def test_compare_scores_by_sampling__too_short__falls_back_and_says_so():
    found = compare_scores_by_sampling(ARMS, seed=3, effort=Effort(draws=20, tune=20))

    assert found.method == "grid"
    assert "have not mixed" in found.note


def test_compare_scores_by_sampling__five_variants__falls_back_and_says_so():
    found = compare_scores_by_sampling({str(i): ARMS["control"] for i in range(5)}, seed=3)

    assert found.method == "grid"
    assert len(found.effects) == 4
    assert "holds 4 variants" in found.note


@pytest.mark.slow
def test_compare_scores_by_sampling__raw_rows_in_pymc__agree():
    import nutpie
    import pymc as pm

    y = CONTROL[(CONTROL > 0) & (CONTROL < 100)][:60] / 100
    with pm.Model() as model:
        mean = pm.Uniform("mean", 0, 1)
        log_k = pm.Normal("log_k", *scores.CONCENTRATION)
        k = pm.math.exp(log_k)
        pm.Beta("y", mean * k, (1 - mean) * k, observed=y)
    trace = nutpie.sample(nutpie.compile_pymc_model(model), draws=2_000, seed=1, progress_bar=False)
    raw = trace.posterior["mean"].values.ravel()

    draws = scores._grid_draws(ScoreSums.of(100 * y), np.random.default_rng(0))

    assert draws.mean() == pytest.approx(raw.mean(), abs=5 * raw.std() / 45)
    assert draws.std() == pytest.approx(raw.std(), rel=0.08)
