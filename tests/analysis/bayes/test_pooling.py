"""Pooling against R, numerical integration, a centred PyMC model, and worlds with a known truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from analysis.bayes import pooling
from analysis.bayes.pooling import pool, pool_apart, pool_by_sampling
from analysis.bayes.sampler import Diagnostics, Effort, Sampled
from analysis.bayes.segments import Scales, Segments
from tests.oracles import rscript

ORACLE = rscript.values("blup")
SCHOOLS = Segments(
    tuple("ABCDEFGH"),
    np.array([28.0, 8, -3, 7, -1, 1, 18, 12]),
    np.array([15.0, 10, 16, 11, 9, 11, 10, 18]),
)
FLAT = Scales(mean_sd=1e6, tau=np.inf)


def roles_and_regions(seed=3):
    rng = np.random.default_rng(seed)
    role = tuple(f"role {i // 5}" for i in range(20))
    region = tuple(f"region {i % 5}" for i in range(20))
    truth = 1.0 + np.repeat(rng.normal(0, 2, 4), 5) + rng.normal(0, 0.5, 20)
    ses = rng.uniform(0.5, 1.5, 20)
    names = tuple(f"{a}, {b}" for a, b in zip(role, region, strict=True))
    levels = {"role": role, "region": region}
    return Segments(names, rng.normal(truth, ses), ses, levels), truth


@pytest.mark.parametrize("sign", [1, -1])
def test_pool_apart__segments_without_factors__is_pool_without_its_draws(sign):
    scales = Scales(mean_sd=20.0, tau=10.0, mean=3.0)

    found, whole = pool_apart(SCHOOLS, scales, sign), pool(SCHOOLS, scales, sign=sign)

    assert found.segments == whole.segments
    assert found.common == whole.common
    # The spread is exact here, and from 4,000 draws there.
    assert found.taus["segment"] == pytest.approx(whole.taus["segment"], rel=0.15, abs=0.3)
    assert found.draws.shape == (0, 8)


def test_pool_apart__segments_with_factors__are_refused():
    with pytest.raises(ValueError, match="found factors role, region, expected none"):
        pool_apart(roles_and_regions()[0], FLAT)


@pytest.mark.parametrize("fit", ORACLE["fits"], ids=lambda fit: f"tau {fit['tau']}")
def test_exact__spread_given__is_what_metafor_predicts(fit):
    exact = pooling._Exact(SCHOOLS, FLAT)

    keep, centre, sd, error = (each[0] for each in exact.given(np.array([fit["tau"]])))

    assert centre == pytest.approx(fit["mean"], rel=1e-9)
    assert sd == pytest.approx(fit["mean_se"], rel=1e-9)
    assert keep * SCHOOLS.effects + (1 - keep) * centre == pytest.approx(fit["effects"], rel=1e-9)
    assert np.sqrt(error**2 + ((1 - keep) * sd) ** 2) == pytest.approx(fit["ses"], rel=1e-9)


def test_exact__oracle__is_what_r_makes_now():
    made = rscript.regenerated("blup")
    if made is None:
        pytest.skip("R or metafor is missing")

    for kept, now in zip(ORACLE["fits"], made["fits"], strict=True):
        assert now["effects"] == pytest.approx(kept["effects"], rel=1e-12)


def test_pool__eight_schools__agrees_with_numerical_integration():
    y, v = SCHOOLS.effects, SCHOOLS.ses**2

    def likelihood(tau):
        w = 1 / (v + tau**2)
        centre = w @ y / w.sum()
        log = 0.5 * (np.log(w).sum() - np.log(w.sum()) - w @ (y - centre) ** 2)
        return float(np.exp(log + 15))

    def integral(weight=None):
        return quad(
            lambda tau: likelihood(tau) * (weight(tau) if weight else 1), 0, 600, limit=400
        )[0]

    def mean_of_first(tau):
        w = 1 / (v + tau**2)
        keep = tau**2 * w[0]
        return keep * y[0] + (1 - keep) * (w @ y / w.sum())

    total = integral()

    found = pool(SCHOOLS, FLAT)

    assert found.segments[0].mean == pytest.approx(integral(mean_of_first) / total, rel=2e-3)
    assert found.taus["segment"][0] == pytest.approx(integral(lambda tau: tau) / total, rel=0.05)
    assert found.method == "grid"


# Gelman et al., Bayesian Data Analysis (3rd ed.), table 5.3: medians of 200 draws. (Its outer
# quantiles are the fifth draw from an end: they are off by several points and test nothing.)
PUBLISHED = {"A": 10, "B": 8, "C": 7, "D": 8, "E": 5, "F": 6, "G": 10, "H": 8}


def test_pool__eight_schools__has_the_published_medians():
    found = pool(SCHOOLS, FLAT)

    medians = dict(zip(PUBLISHED, np.median(found.draws, axis=0), strict=True))
    assert medians == pytest.approx(PUBLISHED, abs=1.5)


def test_pool__draws__have_the_exact_moments():
    found = pool(SCHOOLS, FLAT)

    for j, school in enumerate(found.segments):
        assert found.draws[:, j].mean() == pytest.approx(school.mean, abs=4 * school.sd / 63)
        assert (found.draws[:, j] > 0).mean() == pytest.approx(school.p_better, abs=0.03)


def test_pool__one_factor_level_each__agrees_between_the_two_ways_of_drawing():
    plain = Segments(SCHOOLS.names, SCHOOLS.effects, SCHOOLS.ses)
    exact = pooling._Exact(plain, Scales(20, 10))
    taus = np.full((20_000, 1), 8.0)
    short = exact.draw(taus, np.random.default_rng(0))[0]
    # A second factor without any spread sends the same model through the general formulas.
    everywhere = Segments(plain.names, plain.effects, plain.ses, {"all": ("x",) * 8})
    general = pooling._Exact(everywhere, Scales(20, 10)).draw(
        np.column_stack([taus, 0 * taus]), np.random.default_rng(1)
    )[0]

    assert general.mean(axis=0) == pytest.approx(short.mean(axis=0), abs=0.3)
    assert np.cov(general.T) == pytest.approx(np.cov(short.T), abs=2.5)


def test_pool__segments_alike__come_close_together():
    alike = Segments(tuple("abcdef"), np.array([1.0, 1.2, 0.8, 1.1, 0.9, 1.0]), np.full(6, 1.0))

    found = pool(alike, Scales(5, 1))

    raw = np.ptp(alike.effects)
    assert np.ptp([each.mean for each in found.segments]) < 0.5 * raw
    assert all(each.sd < 1.0 for each in found.segments)


def test_pool__regions_that_differ_by_role__are_closer_to_the_truth_than_estimates():
    errors_raw = errors_pooled = 0.0
    for seed in range(6):
        segments, truth = roles_and_regions(seed)
        found = pool(segments, Scales(5, 2))
        errors_raw += ((segments.effects - truth) ** 2).sum()
        errors_pooled += ((np.array([each.mean for each in found.segments]) - truth) ** 2).sum()

    assert errors_pooled < 0.7 * errors_raw


@given(st.integers(0, 50))
def test_pool__signs_turned__turns_around(seed):
    rng = np.random.default_rng(seed)
    names, y, se = tuple("abcde"), rng.normal(0, 2, 5), rng.uniform(0.3, 2, 5)

    there = pool(Segments(names, y, se), Scales(4, 2))
    back = pool(Segments(names, -y, se), Scales(4, 2))

    for one, other in zip(there.segments, back.segments, strict=True):
        assert other.mean == pytest.approx(-one.mean, abs=1e-9)
        assert other.p_better == pytest.approx(1 - one.p_better, abs=1e-9)


@pytest.mark.parametrize(
    ("effects", "ses", "levels"),
    [
        ([1.0, 2.0], [1.0, 0.0], {}),
        ([1.0, np.nan], [1.0, 1.0], {}),
        ([1.0, 2.0], [1.0], {}),
        ([1.0, 2.0], [1.0, 1.0], {"role": ("a",)}),
    ],
)
def test_segments__bad_input__is_refused(effects, ses, levels):
    with pytest.raises(ValueError, match="segments"):
        Segments(("a", "b"), np.array(effects), np.array(ses), levels)


def test_segments__one_alone__is_refused():
    with pytest.raises(ValueError, match="at least two"):
        Segments(("a",), np.array([1.0]), np.array([1.0]))


# --- the same by NUTS: the model is compiled once for this file


def test_pool_by_sampling__no_factors__agrees_with_the_grid():
    scales = Scales(20, 10)

    sampled, grid = pool_by_sampling(SCHOOLS, scales, seed=1), pool(SCHOOLS, scales)

    assert sampled.method == "nuts"
    assert sampled.diagnostics.trusted
    for a, b in zip(sampled.segments, grid.segments, strict=True):
        assert a.mean == pytest.approx(b.mean, abs=4 * b.sd / 20)  # 400 effective draws or more
        assert a.sd == pytest.approx(b.sd, rel=0.15)


def test_pool_by_sampling__two_factors__agrees_with_the_grid():
    segments, _ = roles_and_regions()
    scales = Scales(5, 2)

    sampled, grid = pool_by_sampling(segments, scales, seed=2), pool(segments, scales)

    assert sampled.method == "nuts"
    assert sampled.taus["role"][0] == pytest.approx(grid.taus["role"][0], rel=0.2)
    for a, b in zip(sampled.segments, grid.segments, strict=True):
        assert a.mean == pytest.approx(b.mean, abs=4 * b.sd / 20)
        assert a.sd == pytest.approx(b.sd, rel=0.15)


def test_pool_by_sampling__same_seed__repeats_itself():
    first, again = (pool_by_sampling(SCHOOLS, Scales(20, 10), seed=5) for _ in range(2))

    assert np.array_equal(first.draws, again.draws)


def test_pool_by_sampling__too_short__falls_back_to_the_grid_and_says_so():
    found = pool_by_sampling(SCHOOLS, Scales(20, 10), seed=1, effort=Effort(draws=20, tune=20))

    assert found.method == "grid"
    assert "have not mixed" in found.note
    assert found.segments[0].mean == pytest.approx(pool(SCHOOLS, Scales(20, 10)).segments[0].mean)


def test_pool_by_sampling__more_levels_than_the_model_holds__falls_back_and_says_so():
    j = 40
    rng = np.random.default_rng(0)
    levels = {"region": tuple(f"r{i % 20}" for i in range(j))}
    many = Segments(tuple(map(str, range(j))), rng.normal(0, 1, j), np.ones(j), levels)

    found = pool_by_sampling(many, Scales(5, 2), seed=0)

    assert found.method == "grid"
    assert "20 levels" in found.note


@pytest.mark.slow
def test_pool__eight_schools__agrees_with_a_centred_pymc_model():
    import nutpie
    import pymc as pm

    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 20)
        tau = pm.HalfNormal("tau", 10)
        theta = pm.Normal("theta", mu, tau, shape=8)
        pm.Normal("y", theta, SCHOOLS.ses, observed=SCHOOLS.effects)
    trace = nutpie.sample(
        nutpie.compile_pymc_model(model),
        draws=4_000,
        seed=3,
        target_accept=0.99,
        progress_bar=False,
    )

    found = pool(SCHOOLS, Scales(20, 10))

    draws = trace.posterior["theta"].values.reshape(-1, 8)
    for j, school in enumerate(found.segments):
        assert school.mean == pytest.approx(draws[:, j].mean(), abs=4 * school.sd / 20)
        assert school.sd == pytest.approx(draws[:, j].std(), rel=0.12)


def test_diagnostics__each_figure__can_withhold_trust():
    assert Diagnostics(1.005, 900, 0).trusted
    assert not Diagnostics(1.02, 900, 0).trusted
    assert not Diagnostics(1.005, 300, 0).trusted
    assert not Diagnostics(1.005, 900, 1).trusted


def test_draws_of_segments__taus_known__are_the_exact_normal():
    n = 20_000
    values = {
        "mu": np.zeros(n),
        "tau": np.ones(n),
        "taus": np.ones((n, 2)),
        "level": np.zeros((n, 16)),
    }
    pair = Segments(("a", "b"), np.array([1.0, -1.0]), np.array([1.0, 1.0]))
    unit = pooling._unit(pair)

    draws, _, _ = pooling._draws_of_segments(
        pair, Scales(1, 1), Sampled(values, Diagnostics(1, n, 0)), np.random.default_rng(0)
    )

    keep = unit**2 / (unit**2 + 1)
    assert draws.mean(axis=0) == pytest.approx([keep, -keep], abs=0.04)
    assert draws.std(axis=0) == pytest.approx([keep**0.5] * 2, rel=0.03)
    assert stats.kstest((draws[:, 0] - keep) / keep**0.5, "norm").pvalue > 1e-3
