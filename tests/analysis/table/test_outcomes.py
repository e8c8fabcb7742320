"""Every kind of outcome and design from a table, beside software that is not ours."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from scipy import stats

import analysis
from analysis.across.segments import Omnibus
from analysis.table.library import Outcome


@pytest.fixture(scope="module")
def learners():
    rng = np.random.default_rng(8)
    n = 1_200
    arm = np.array(["control", "double"])[np.arange(n) % 2]
    role = rng.choice(["driver", "nurse", "seller"], n)
    region = rng.choice(["north", "south"], n)
    before, age = rng.normal(50, 15, n), rng.normal(40, 9, n)
    gain = 8.0 * ((arm == "double") & (role == "nurse"))
    visits = rng.poisson(5, n) + 1
    return pd.DataFrame(
        {
            "learner": np.arange(n),
            "arm": arm,
            "role": role,
            "region": region,
            "before": before,
            "age": age,
            "score": 0.5 * before + 0.3 * age + rng.normal(10, 12, n) + gain,
            "visits": visits,
            "sales": rng.binomial(visits, 0.3),
            "minutes": rng.exponential(20, n),
            "days": np.minimum(rng.exponential(30, n), 28).round(1),
            "finished": rng.integers(0, 2, n),
            "complaints": rng.poisson(1, n),
        }
    )


def plan(*outcomes, **more):
    return analysis.Plan("learner", "arm", "control", outcomes, **more)


def arms(learners, column):
    return (
        learners[column][learners.arm == each].to_numpy(float) for each in ("double", "control")
    )


def test_ratio__from_a_table__is_the_delta_methods(learners):
    estimate = analysis.readout(learners, plan(analysis.ratio("sales", "visits"))).estimates[0]

    rate, variance = [], []
    for sales, visits in zip(arms(learners, "sales"), arms(learners, "visits"), strict=True):
        cov = np.cov(sales, visits) / len(sales)
        rate.append(sales.mean() / visits.mean())
        by = np.array([1, -rate[-1]]) / visits.mean()
        variance.append(by @ cov @ by)
    assert estimate.effect == pytest.approx(rate[0] - rate[1], rel=1e-9)
    assert estimate.se == pytest.approx(sum(variance) ** 0.5, rel=1e-9)


def test_quantile__from_a_table__is_numpys_with_the_spread_of_resamples(learners):
    estimate = analysis.readout(learners, plan(analysis.quantile("minutes", 0.9))).estimates[0]

    double, control = arms(learners, "minutes")
    rng = np.random.default_rng(1)
    again = [
        np.quantile(rng.choice(double, len(double)), 0.9)
        - np.quantile(rng.choice(control, len(control)), 0.9)
        for _ in range(2_000)
    ]
    assert estimate.effect == pytest.approx(np.quantile(double, 0.9) - np.quantile(control, 0.9))
    assert estimate.se == pytest.approx(np.std(again), rel=0.2)


def test_survival__from_a_table__is_lifelines(learners):
    outcome = analysis.survival("days", "finished", horizon=20, direction="decrease")

    estimate = analysis.readout(learners, plan(outcome)).estimates[0]

    theirs = [
        restricted_mean_survival_time(KaplanMeierFitter().fit(each.days, each.finished), t=20)
        for each in (learners[learners.arm == "double"], learners[learners.arm == "control"])
    ]
    assert (estimate.mean, estimate.mean_control) == pytest.approx(theirs, rel=1e-9)


def test_covariates__two_from_a_table__give_the_regressions_effect(learners):
    estimate = analysis.readout(learners, plan("score", covariate=("before", "age"))).estimates[0]

    treated = (learners.arm == "double").astype(float)
    x = sm.add_constant(np.column_stack([treated, learners.before, learners.age]))
    fit = sm.OLS(learners.score, x).fit()
    assert estimate.effect == pytest.approx(fit.params.iloc[1], rel=1e-9)
    assert estimate.variance_reduction > 0.2


def test_strata__two_from_a_table__average_differences_by_size(learners):
    estimate = analysis.readout(learners, plan("score", strata=("role", "region"))).estimates[0]

    effect = variance = 0.0
    for _, cell in learners.groupby(["role", "region"]):
        share = len(cell) / len(learners)
        double, control = arms(cell, "score")
        effect += share * (double.mean() - control.mean())
        variance += share**2 * sum(each.var(ddof=1) / len(each) for each in (double, control))
    assert estimate.method == "stratified"
    assert estimate.effect == pytest.approx(effect, rel=1e-9)
    assert estimate.se == pytest.approx(variance**0.5, rel=1e-9)


def test_segments__effects_alone__are_welchs_and_pooled_ones_lie_nearer(learners):
    found = analysis.readout(learners, plan("score", segments=("role", "region"))).segments

    by_role, by_region = found
    for each in by_role.effects:
        double, control = arms(learners[learners.role == each.level], "score")
        test = stats.ttest_ind(double, control, equal_var=False)
        assert each.alone.p_value == pytest.approx(test.pvalue, rel=1e-9)
        assert each.pooled.sd < each.alone.se * 1.05
    assert isinstance(by_role.omnibus, Omnibus)
    assert by_role.p_adjusted == pytest.approx(min(1.0, 2 * by_role.omnibus.p_value))
    assert by_role.p_adjusted < 0.001
    assert by_region.p_adjusted > 0.05
    spread = np.ptp([each.alone.effect for each in by_role.effects])
    assert np.ptp([each.pooled.mean for each in by_role.effects]) < spread


def test_segments__a_level_without_an_arm__is_left_out_by_name(learners):
    rows = learners.assign(role=learners.role.mask(learners.index == 0, "pilot"))

    found = analysis.readout(rows, plan("score", segments=("role",))).segments[0]

    assert found.left_out == {"pilot": "nobody of double is in it"}
    assert len(found.effects) == 3


# Lan-DeMets O'Brien-Fleming at two-sided 0.05, five even looks, as R's rpact gives them.
RPACT = (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)


@pytest.mark.parametrize("look", range(1, 6))
def test_looks__five_even_ones__have_rpacts_boundaries(learners, look):
    found = analysis.readout(learners, plan("score", looks=analysis.Looks(look, 5)))

    assert found.sequential.boundary_z == pytest.approx(RPACT[look - 1], abs=2e-4)
    estimate = found.estimates[0]
    crossed = abs(found.sequential.z) > found.sequential.boundary_z
    assert crossed == (estimate.low > 0 or estimate.high < 0)
    assert (found.decision.verdict == "KEEP RUNNING") == (look < 5 and not crossed)


def test_looks__the_information_of_each__moves_the_boundary(learners):
    early, late = (
        analysis.readout(learners, plan("score", looks=analysis.Looks(2, 5, shares)))
        for shares in ((0.1, 0.2), (0.2, 0.4))
    )

    assert early.sequential.boundary_z > late.sequential.boundary_z
    assert early.sequential.alpha_spent < late.sequential.alpha_spent


@pytest.mark.parametrize(
    ("margin", "shift", "state"),
    [(0.5, 0.0, "non-inferior"), (0.01, 0.0, "open"), (0.2, 3.0, "harmed")],
)
def test_guardrail__a_margin__is_spared_open_or_harmed(learners, margin, shift, state):
    rows = learners.assign(complaints=learners.complaints + shift * (learners.arm == "double"))
    guardrail = analysis.guardrail("complaints", margin, direction="decrease")

    found = analysis.readout(rows, plan("score", guardrail))

    result = found.to_json()["results"][1]
    assert (result["guardrail"], result["margin"]) == (state, margin)
    assert (found.decision.verdict == "ROLL BACK") == (state == "harmed")


def test_direction__less_is_better__turns_the_decision(learners):
    more, less = (
        analysis.readout(learners, plan(Outcome("mean", ("score",), direction)))
        for direction in ("increase", "decrease")
    )

    assert (more.decision.verdict, less.decision.verdict) == ("SHIP", "ROLL BACK")
    a, b = more.estimates[0].posterior.p_better, less.estimates[0].posterior.p_better
    assert a + b == pytest.approx(1)


def test_prior__a_stated_one__shrinks_by_the_normal_formula(learners):
    estimate = analysis.readout(learners, plan("score", prior=1.0)).estimates[0]

    z_error = estimate.effect / abs(stats.norm.ppf(estimate.p_value / 2))
    keep = 1 / (1 + z_error**2)
    assert estimate.posterior.mean == pytest.approx(keep * estimate.effect, rel=1e-3)
    assert estimate.posterior.prior_source == "stated"


def test_alpha__of_a_fifth__narrows_the_interval(learners):
    wide, narrow = (
        analysis.readout(learners, plan("score", alpha=alpha)).estimates[0] for alpha in (0.05, 0.2)
    )

    assert narrow.high - narrow.low < wide.high - wide.low
    assert narrow.se == wide.se


def test_unit__none_named__takes_every_row_for_one(learners):
    named = analysis.readout(learners, plan("score"))
    nameless = analysis.readout(learners, analysis.Plan(None, "arm", "control", ("score",)))

    assert nameless.estimates[0].effect == pytest.approx(named.estimates[0].effect, rel=1e-12)
    assert nameless.estimates[0].n == named.estimates[0].n


def test_labels__of_units_metrics_and_variants__stand_in_what_people_read(learners):
    found = analysis.readout(
        learners,
        plan(
            analysis.mean("score", title="Energize Score"),
            titles={"double": "Double points"},
            unit_label="accounts",
        ),
    )

    text = found.summary(120)
    for expected in ("Energize Score (score)", "Double points (double)", "All accounts"):
        assert expected in text
    assert "learners" not in text
