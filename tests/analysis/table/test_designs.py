"""Caps, factors, take-up and exact shares of a table, beside software that is not ours."""

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import integrate, stats
from statsmodels.sandbox.regression.gmm import IV2SLS

import analysis
from tests.analysis.table.test_analyze import refusal as refusal_of

N = 800


@pytest.fixture(scope="module")
def learners():
    rng = np.random.default_rng(12)
    arm = np.array(["control", "double"])[np.arange(N) % 2]
    before = rng.lognormal(3, 1, N)
    took = (rng.random(N) < np.where(arm == "double", 0.7, 0.1)).astype(float)
    return pd.DataFrame(
        {
            "learner": np.arange(N),
            "arm": arm,
            "before": before,
            "took": took,
            "sales": before * rng.lognormal(0, 0.5, N) + 6 * took,
            "visits": rng.poisson(4, N) + 1,
            "finished": rng.random(N) < np.where(arm == "double", 0.36, 0.30),
        }
    )


def read(frame, *outcomes, **more):
    return analysis.readout(frame, analysis.Plan("learner", "arm", "control", outcomes, **more))


def refusal(frame, *outcomes, **more):
    return refusal_of(frame, analysis.Plan("learner", "arm", "control", outcomes, **more))


def two_arms(frame, values):
    return [np.asarray(values)[frame.arm == arm] for arm in ("control", "double")]


# --- caps


def test_cap__means__are_welchs_after_numpys_quantile_of_all_variants(learners):
    found = read(learners, "sales", cap=0.95)

    cap = np.quantile(learners.sales, 0.95)
    control, treatment = two_arms(learners, np.minimum(learners.sales, cap))
    theirs = stats.ttest_ind(treatment, control, equal_var=False)
    estimate = found.estimates[0]
    assert estimate.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (estimate.low, estimate.high) == pytest.approx(
        tuple(theirs.confidence_interval()), rel=1e-9
    )
    assert found.to_json()["caps"] == {
        "sales": {"at": pytest.approx(cap), "n": int((learners.sales > cap).sum())}
    }
    assert "values above" in found.summary()


def test_cap__covariates_and_shares__the_former_are_capped_too_the_latter_never(learners):
    found = read(learners, "sales", "finished", covariate="before", cap=0.9)

    capped = {name: learners[name].clip(upper=learners[name].quantile(0.9)) for name in found.caps}
    treated = (learners.arm == "double").astype(float)
    x = sm.add_constant(np.column_stack([treated, capped["before"]]))
    assert set(found.caps) == {"sales", "before"}
    assert found.estimates[0].effect == pytest.approx(
        sm.OLS(capped["sales"], x).fit().params.iloc[1], rel=1e-9
    )


def test_cap__ratio_of_a_capped_mean__keeps_its_parts(learners):
    alone = read(learners, analysis.ratio("sales", "visits")).estimates[0]

    beside = read(learners, "sales", analysis.ratio("sales", "visits"), cap=0.9).estimates[1]

    assert beside.effect == pytest.approx(alone.effect, rel=1e-12)


def test_cap__missing_values__stay_missing(learners):
    rows = learners.assign(sales=learners.sales.mask(learners.index < 10))

    assert read(rows, "sales", cap=0.9).estimates[0].n == N // 2 - 5


def test_cap__of_nearly_all_zeros__is_refused_by_name(learners):
    rows = learners.assign(sales=np.where(np.arange(N) < 4, 5.0 + np.arange(N), 0.0))

    assert "0.99 of the values of sales are 0, its least" in refusal(rows, "sales", cap=0.99)


@pytest.mark.parametrize("cap", [0.0, 0.5, 1.0, float("nan")])
def test_cap__that_is_no_upper_quantile__is_refused(learners, cap):
    assert "--cap: found" in refusal(learners, "sales", cap=cap)


# --- take-up


def test_took__effect_on_compliers__is_the_instruments(learners):
    found = read(learners, "sales", took="took").on_compliers[0]

    offered = sm.add_constant((learners.arm == "double").astype(float).to_numpy())
    theirs = IV2SLS(
        learners.sales.to_numpy(), sm.add_constant(learners.took.to_numpy()), offered
    ).fit()
    assert found.effect == pytest.approx(theirs.params[1], rel=1e-9)
    assert found.take_up == pytest.approx(learners.took[learners.arm == "double"].mean())


@pytest.mark.parametrize("shift", [-4.0, -1.0, 0.0, 3.0])
def test_took__interval__excludes_0_exactly_when_the_offers_does(learners, shift):
    rows = learners.assign(sales=learners.sales + shift * (learners.arm == "double"))

    found = read(rows, "sales", took="took")

    offer, on_compliers = found.estimates[0], found.on_compliers[0]
    leaves = [not e.low <= 0 <= e.high for e in (offer, on_compliers)]
    assert leaves[0] == leaves[1]
    assert "on those alone who took it up" in found.summary(200)


def test_took__nobody_moved__says_so_without_a_number(learners):
    (found,) = read(learners.assign(took=1), "sales", took="took").on_compliers

    assert found.effect is None
    assert "did not change how many took it up" in found.why_not


@pytest.mark.parametrize(
    ("change", "outcome", "more", "said"),
    [
        ({"took": 2}, "sales", {}, "took: found 2"),
        ({}, analysis.ratio("sales", "visits"), {}, "--took: needs a mean"),
        ({"team": np.arange(N) % 40}, "sales", {"cluster": "team"}, "--took: cannot be joined"),
    ],
)
def test_took__that_cannot_be__is_refused(learners, change, outcome, more, said):
    assert said in refusal(learners.assign(**change), outcome, took="took", **more)


# --- factors


@pytest.fixture(scope="module")
def factorial():
    rng = np.random.default_rng(3)
    cell = rng.choice(4, N, p=[0.4, 0.3, 0.2, 0.1])
    badges, email = cell // 2, cell % 2
    return pd.DataFrame(
        {
            "learner": np.arange(N),
            "arm": np.array(["control", "mail", "badge", "both"])[cell],
            "badges": np.array(["off", "on"])[badges],
            "email": np.array(["no", "yes"])[email],
            "score": 50 + 4 * badges + 2 * email + 3 * badges * email + rng.normal(0, 5 + cell, N),
        }
    )


WEIGHTS = {"control": 4.0, "mail": 3.0, "badge": 2.0, "both": 1.0}


def test_factors__effects_and_interaction__are_statsmodels_with_hc2(factorial):
    found = read(factorial, "score", factors=("badges", "email"), weights=WEIGHTS)

    b, e = (
        (factorial[name] == on).to_numpy() - 0.5
        for name, on in (("badges", "on"), ("email", "yes"))
    )
    fit = sm.OLS(factorial.score, sm.add_constant(np.column_stack([b, e, b * e]))).fit(
        cov_type="HC2"
    )
    for at, each in enumerate(found.factor_effects, start=1):
        assert each.effect == pytest.approx(fit.params.iloc[at], rel=1e-9)
        assert each.se == pytest.approx(fit.bse.iloc[at], rel=1e-9)
    assert [each.factors for each in found.factor_effects] == [
        ("badges",),
        ("email",),
        ("badges", "email"),
    ]
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["factor_effects"]
    assert "interaction, how much more badges does at email yes" in found.summary(200)


@pytest.mark.parametrize(
    ("change", "factors", "said"),
    [
        (lambda f: f, ("badges",), "expected two or more"),
        (lambda f: f, ("badges", "badges"), "expected two or more"),
        (lambda f: f, ("badges", "emails"), "did you mean 'email'"),
        (lambda f: f[f.arm != "both"], ("badges", "email"), "0 variants have badges=on, email=yes"),
        (lambda f: f.assign(email="no"), ("badges", "email"), "email has one level only"),
        (
            lambda f: f.assign(email=np.where(f.index == 5, "maybe", f.email)),
            ("badges", "email"),
            "not the same for every unit",
        ),
        (
            lambda f: f.assign(email=f.email.mask(f.index == 5)),
            ("badges", "email"),
            "not the same for every unit",
        ),
    ],
)
def test_factors__that_are_no_grid__are_refused(factorial, change, factors, said):
    assert said in refusal(change(factorial), "score", factors=factors)


# --- shares


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_share__exact_posterior__is_scipys_integral(learners, direction):
    outcome = analysis.mean("finished", direction=direction)

    result = read(learners, outcome).to_json()["results"][0]["beta_binomial"]

    control, treatment = (
        stats.beta(1 + each.sum(), 1 + (~each).sum())
        for each in two_arms(learners, learners.finished)
    )
    above, _ = integrate.quad(
        lambda x: treatment.pdf(x) * control.cdf(x), 0, 1, epsabs=1e-12, points=[0.3, 0.36]
    )
    assert result["prior"] == [1.0, 1.0]
    assert result["mean"] == pytest.approx(treatment.mean() - control.mean(), rel=1e-9)
    assert result["p_better"] == pytest.approx(
        above if direction == "increase" else 1 - above, abs=1e-9
    )
    for bound, share in ((result["low"], 0.025), (result["high"], 0.975)):
        below, _ = integrate.quad(
            lambda x, d=bound: control.pdf(x) * treatment.cdf(x + d), 0, 1, points=[0.3], limit=200
        )
        assert below == pytest.approx(share, abs=1e-8)


@pytest.mark.parametrize("more", [{"prior": 0.1}, {"covariate": "before"}, {"strata": ("visits",)}])
def test_share__with_what_an_exact_posterior_cannot_know__is_left_to_the_normal_one(learners, more):
    result = read(learners, "finished", **more).to_json()["results"][0]

    assert result["beta_binomial"] is None
    assert result["posterior"]["p_better"] > 0


def test_share__a_mean_that_is_none__has_no_exact_posterior(learners):
    assert read(learners, "sales").share_beliefs == {}
