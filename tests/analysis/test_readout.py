import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

from analysis.methods import icc, randomisation
from analysis.methods.always_valid import one_sided_z
from analysis.plan import AnalysisPlan, MetricPlan, PreviousLook
from analysis.read import read, run_readout
from analysis.results import NotEstimable, Readout, Verdict
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments
from tests.analysis.collecting import SCORE, START, collected, learners, moments, plan, teams

SCORE_COLUMNS = (
    "outcome",
    "covariate",
    "retention",
    "activity",
    "incentive",
    "community",
    "without_incentive",
)


def of(arrays):
    return {variant: moments(*rows) for variant, rows in arrays.items()}


def score(rng, n, lift=0.0):
    parts = rng.normal([20, 15, 6, 4], [5, 4, 3, 2], (n, 4))
    parts[:, 2] += lift
    outcome = parts.sum(axis=1)
    before = 0.5 * outcome + rng.normal(0, 5, n)
    without = (outcome - parts[:, 2]) / 0.85
    return np.column_stack([outcome, before, parts, without])


def test_readout__clear_effect_at_the_final_look__ships_it():
    found = read(plan(), collected({"energize": of(learners(effects=(5.0,)))}))

    assert found.decision.verdict is Verdict.SHIP
    assert found.decision.winner == "double"
    assert "double raises Energize Score by" in found.decision.reason
    assert found.primary.estimates[0].method == "cuped"
    assert found.primary.estimates[0].variance_reduction == pytest.approx(0.36, abs=0.06)


def test_readout__harmful_effect_at_an_early_look__rolls_back():
    early = plan(final=False, look=2, looks_planned=8, days=20)

    found = read(early, collected({"energize": of(learners(effects=(-8.0,)))}))

    assert found.decision.verdict is Verdict.ROLL_BACK
    assert found.sequential.harm
    assert found.sequential.harm_low < 0


def test_readout__no_effect_with_planned_precision__says_no_meaningful_difference():
    found = read(plan(), collected({"energize": of(learners(seed=3, n=6000))}))

    assert found.decision.verdict is Verdict.NO_MEANINGFUL_DIFFERENCE


def test_readout__small_sample_at_the_final_look__is_inconclusive():
    found = read(plan(), collected({"energize": of(learners(seed=5, n=60))}))

    assert found.decision.verdict is Verdict.INCONCLUSIVE


def test_readout__small_sample_at_an_early_look__keeps_running():
    early = plan(final=False, look=2, looks_planned=8)

    found = read(early, collected({"energize": of(learners(seed=5, n=60))}))

    assert found.decision.verdict is Verdict.KEEP_RUNNING
    assert "of the planned information" in found.decision.reason


def test_readout__winner_before_the_minimum_days__keeps_running():
    early = plan(final=False, look=7, looks_planned=8, days=9)

    found = read(early, collected({"energize": of(learners(effects=(9.0,)))}))

    assert found.decision.verdict is Verdict.KEEP_RUNNING
    assert "9 of at least 14 days" in found.decision.reason


def test_readout__less_is_better__ships_a_decrease():
    metric = MetricPlan(
        "drop", "Days away", kind="count", role="primary", direction="decrease", minimum_effect=2.0
    )

    found = read(plan(metrics=(metric,)), collected({"drop": of(learners(effects=(-5.0,)))}))

    assert found.decision.verdict is Verdict.SHIP
    assert "lowers Days away" in found.decision.reason
    assert found.sequential.z > 0
    assert found.primary.estimates[0].posterior.p_better > 0.999


@pytest.mark.parametrize(("fall", "verdict"), [(-1.2, Verdict.REVIEW), (-6.0, Verdict.ROLL_BACK)])
def test_readout__guardrail_falls__does_not_ship(fall, verdict):
    guardrail = MetricPlan("sales", "Sales", kind="sum", role="guardrail")
    statistics = {
        "energize": of(learners(effects=(6.0,))),
        "sales": of(learners(seed=8, sd=10, effects=(fall,))),
    }

    found = read(plan(metrics=(SCORE, guardrail)), collected(statistics))

    assert found.decision.verdict is verdict
    assert "Sales" in found.decision.reason


def test_readout__guardrail_falls_within_its_margin__ships():
    guardrail = MetricPlan("sales", "Sales", kind="sum", role="guardrail", minimum_effect=3.0)
    statistics = {
        "energize": of(learners(effects=(6.0,))),
        "sales": of(learners(seed=8, sd=10, effects=(-1.2,))),
    }

    found = read(plan(metrics=(SCORE, guardrail)), collected(statistics))

    assert found.decision.verdict is Verdict.SHIP


def test_readout__secondary_falls__ships_and_warns():
    secondary = MetricPlan("calls", "Call quality", kind="mean")
    statistics = {
        "energize": of(learners(effects=(6.0,))),
        "calls": of(learners(seed=8, effects=(-6.0,))),
    }

    found = read(plan(metrics=(SCORE, secondary)), collected(statistics))

    assert found.decision.verdict is Verdict.SHIP
    assert "mind that Call quality fell behind" in found.decision.reason


def test_readout__lopsided_arms__must_not_be_used():
    statistics = of(learners(effects=(6.0,)))
    uneven = {"control": 1000, "double": 1300}

    found = read(plan(), collected({"energize": statistics}, n_exposed=uneven))

    assert found.decision.verdict is Verdict.DO_NOT_USE
    assert "planned shares" in found.decision.reason


def test_readout__a_region_that_loses_units__must_not_be_used():
    arms = {"control": learners(effects=(5.0,))["control"], "double": learners()["double"]}
    whole = of(arms)

    def part(variant, rows):
        return moments(*(column[rows] for column in arms[variant]))

    cuts = {"west": (slice(0, 40), slice(0, 160)), "east": (slice(40, None), slice(160, None))}
    region = {
        level: {"control": part("control", of_control), "double": part("double", of_double)}
        for level, (of_control, of_double) in cuts.items()
    }
    lost = replace(collected({"energize": whole}), segments={"energize": {"region": region}})

    found = read(plan(), lost)

    assert found.decision.verdict is Verdict.DO_NOT_USE
    assert "region west" in found.decision.reason


def test_readout__three_treatments__ships_the_best_and_takes_the_harmful_out():
    variants = ("control", "small", "large", "harmful")
    arrays = learners(n=3000, effects=(3.0, 6.0, -6.0), variants=variants)

    found = read(plan(variants=variants), collected({"energize": of(arrays)}))

    assert found.decision.verdict is Verdict.SHIP
    assert found.decision.winner == "large"
    assert "take harmful out" in found.decision.reason
    assert sum(found.primary.p_best.values()) == pytest.approx(1)
    assert list(found.primary.p_best) == list(variants)


def test_readout__two_treatments_alike__says_that_the_other_is_close():
    variants = ("control", "a", "b")
    arrays = learners(seed=4, effects=(6.0, 6.0), variants=variants)
    arrays["b"] = (arrays["a"][0] - 0.2, arrays["a"][1])

    found = read(plan(variants=variants), collected({"energize": of(arrays)}))

    assert found.decision.winner == "a"
    assert "b is close behind" in found.decision.reason


def several(**changes):
    """A readout of two treatments without an effect."""
    variants = ("control", "a", "b")
    arrays = learners(effects=(0.0, 0.0), variants=variants)
    return read(plan(variants=variants, **changes), collected({"energize": of(arrays)}))


def test_readout__several_treatments_at_one_look__pay_for_each_other_by_dunnett():
    found = several()

    # Dunnett (1964): two treatments, known variance, equal sizes.
    assert found.sequential.boundary_z == pytest.approx(2.212, abs=0.001)
    assert found.primary.correction == "dunnett"
    for estimate in found.primary.estimates:
        assert (estimate.p_adjusted < 0.05) == (not estimate.low <= 0 <= estimate.high)
        assert estimate.p_value < estimate.p_adjusted < 2 * estimate.p_value


def test_readout__several_treatments_and_looks__pay_for_each_other_by_bonferroni():
    spent = (PreviousLook(1, 0.01, 0.0),)
    found = several(look=2, looks_planned=2, previous_looks=spent)

    assert found.sequential.boundary_z == pytest.approx(stats.norm.isf(0.025 / 2))
    assert found.primary.correction == "bonferroni"
    assert found.primary.estimates[0].p_adjusted is None


def test_readout__unplanned_look__names_no_winner():
    ad_hoc = plan(look=0, looks_planned=8, final=False)

    found = read(ad_hoc, collected({"energize": of(learners(effects=(9.0,)))}))

    assert found.decision.verdict is Verdict.KEEP_RUNNING
    assert "unplanned look" in found.decision.reason
    assert not found.sequential.crossed
    assert found.sequential.alpha_spent == 0


def test_readout__nothing_mature__keeps_running_and_says_why():
    empty = {v: Moments.empty(("outcome", "covariate")) for v in ("control", "double")}
    early = plan(final=False, looks_planned=8, days=3)

    found = read(early, collected({"energize": empty}, n_exposed={"control": 400, "double": 410}))

    assert found.decision.verdict is Verdict.KEEP_RUNNING
    assert isinstance(found.primary.estimates[0], NotEstimable)
    assert found.sequential is None
    assert any(c.name == "maturity" and not c.passed for c in found.checks)
    assert Readout.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_readout__no_statistics_at_all__keeps_running():
    bare = replace(
        collected({"energize": {"control": Moments.empty(("outcome",))}}),
        metrics={},
        n_exposed={"control": 0, "double": 0},
        latest_received_at=None,
    )

    found = read(plan(final=False, looks_planned=4), bare)

    assert found.decision.verdict is Verdict.KEEP_RUNNING


def test_readout__teams__are_the_units():
    rng = np.random.default_rng(2)
    statistics = {"control": teams(rng, 30), "double": teams(rng, 30, effect=8.0)}

    found = read(plan(unit_kind="team"), collected({"energize": statistics}))

    estimate = found.primary.estimates[0]
    assert estimate.method == "cluster_robust"
    assert (estimate.n, estimate.n_control) == (30, 30)
    assert estimate.n_learners == statistics["double"].n_learners
    assert found.decision.verdict is Verdict.SHIP


def test_readout__four_teams_a_variant__warns_of_too_few():
    rng = np.random.default_rng(2)
    statistics = {"control": teams(rng, 4), "double": teams(rng, 4)}

    found = read(plan(unit_kind="team"), collected({"energize": statistics}))

    assert any("Too few teams" in check.sentence for check in found.checks)
    assert found.decision.verdict is Verdict.INCONCLUSIVE


def with_learners(rng, n_teams, level=0.0):
    """Team sums of ten learners each, squares within teams kept."""
    rows = 50 + level + rng.normal(0, 4, n_teams)[:, None] + rng.normal(0, 8, (n_teams, 10))
    within = ((rows - rows.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return ClusterSums(
        ("outcome",), np.full(n_teams, 10), rows.sum(axis=1)[:, None], within[:, None]
    )


def test_readout__teams__says_how_alike_their_learners_are():
    rng = np.random.default_rng(3)
    statistics = {"control": with_learners(rng, 40), "double": with_learners(rng, 40)}

    found = read(plan(unit_kind="team"), collected({"energize": statistics}))

    facts = found.primary.estimates[0].teams
    alike = icc.estimate(*statistics.values())
    assert (facts.icc, facts.design_effect) == (alike.icc, alike.design_effect)
    assert facts.n_effective == pytest.approx(800 / facts.design_effect)
    assert facts.draw_p_value is None
    assert Readout.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_readout__five_teams_a_variant__names_no_winner_and_shows_the_draw():
    rng = np.random.default_rng(3)
    statistics = {"control": with_learners(rng, 5), "double": with_learners(rng, 5, level=40.0)}

    found = read(plan(unit_kind="team"), collected({"energize": statistics}))

    estimate = found.primary.estimates[0]
    draw = randomisation.estimate(*statistics.values())
    assert estimate.low > 0
    assert (found.decision.verdict, found.decision.rule) == (Verdict.REVIEW, "too-few-teams")
    assert (estimate.teams.draw_p_value, estimate.teams.n_draws) == (draw.p_value, 252)
    assert (estimate.teams.draw_low, estimate.teams.draw_high) == pytest.approx(
        (draw.low, draw.high)
    )


@pytest.mark.parametrize("by_team", [False, True])
def test_readout__score_by_component__adds_up_to_the_effect(by_team):
    rng = np.random.default_rng(6)
    arms = {"control": score(rng, 600), "double": score(rng, 600, lift=2.0)}
    statistics = {v: Moments.of(SCORE_COLUMNS, rows) for v, rows in arms.items()}
    if by_team:
        statistics = {
            v: ClusterSums(SCORE_COLUMNS, np.full(20, 30), rows.reshape(20, 30, -1).sum(axis=1))
            for v, rows in arms.items()
        }

    found = read(
        plan(unit_kind="team" if by_team else "learner"), collected({"energize": statistics})
    )

    split = found.component_splits[0]
    parts = {part.component: part for part in split.components}
    assert sum(part.effect for part in parts.values()) == pytest.approx(
        found.primary.estimates[0].effect, abs=1e-9
    )
    assert parts["incentive"].effect == pytest.approx(2.0, abs=4 * parts["incentive"].se)
    assert split.effect_without_incentive == pytest.approx(0, abs=4 * split.se_without_incentive)


def test_readout__component_that_never_varies__still_adds_up():
    rng = np.random.default_rng(6)
    arms = {"control": score(rng, 300), "double": score(rng, 300)}
    for rows in arms.values():
        rows[:, 0] -= rows[:, 5]
        rows[:, 5] = 0
    statistics = {v: Moments.of(SCORE_COLUMNS, rows) for v, rows in arms.items()}

    found = read(plan(), collected({"energize": statistics}))

    parts = found.component_splits[0].components
    assert parts[3].effect == 0
    assert sum(p.effect for p in parts) == pytest.approx(
        found.primary.estimates[0].effect, abs=1e-9
    )


def growing(n_days=20, a_day=30, seed=1):
    rng = np.random.default_rng(seed)
    trend, so_far = {}, {v: Moments.empty(("outcome", "covariate")) for v in ("control", "double")}
    for day in range(n_days):
        for variant in ("control", "double"):
            before = rng.normal(50, 20, a_day)
            after = before + rng.normal(0, 15, a_day)
            so_far[variant] = so_far[variant] + moments(after, before)
        trend[(START + timedelta(days=28 + day)).date().isoformat()] = dict(so_far)
    return trend, so_far


def test_readout__trend__ends_at_the_estimate_with_an_always_valid_band():
    trend, last = growing()

    found = read(plan(), collected({"energize": last}, trend=trend))

    assert len(found.trend) == 20
    assert found.trend[-1].effect == pytest.approx(found.primary.estimates[0].effect)
    assert found.trend[-1].n == 1200
    reach = found.trend[-1].high - found.trend[-1].effect
    assert reach > 2.5 * found.primary.estimates[0].se


def test_readout__steady_pace__tells_the_days_left():
    trend, last = growing()
    early = plan(final=False, look=3, looks_planned=8)

    found = read(early, collected({"energize": last}, trend=trend))

    share = found.sequential.information_fraction
    assert share < 1
    assert found.sequential.days_left == pytest.approx(20 * (1 / share - 1), rel=1e-6)
    # 60 a day for 7 days: 420, give or take what a count differs by chance.
    assert found.sequential.days_left_low < found.sequential.days_left
    assert found.sequential.days_left_high == pytest.approx(
        1200 * (1 / share - 1) / (60 - 1.943 * (60 / 7) ** 0.5), rel=1e-3
    )


def test_readout__earlier_looks__are_paid_for():
    looks = (PreviousLook(1, 0.2, 5.1e-7), PreviousLook(2, 0.4, 0.000788))
    data = collected({"energize": of(learners())})

    after = read(plan(look=3, looks_planned=3, previous_looks=looks), data)
    alone = read(plan(), data)

    assert after.sequential.boundary_z > alone.sequential.boundary_z
    assert after.sequential.alpha_spent == pytest.approx(0.05)
    assert alone.sequential.boundary_z == pytest.approx(1.959964, abs=1e-6)
    assert after.primary.estimates[0].p_value == alone.primary.estimates[0].p_value


@pytest.mark.parametrize("seed", range(12))
def test_readout__any_data__interval_and_boundary_agree(seed):
    data = collected({"energize": of(learners(seed=seed, n=120, effects=(4.0,)))})

    found = read(plan(look=2, looks_planned=3, final=False), data)

    estimate = found.primary.estimates[0]
    excludes_zero = estimate.low > 0 or estimate.high < 0
    assert excludes_zero == found.sequential.crossed
    assert excludes_zero == (estimate.relative.low > 0 or estimate.relative.high < 0)


def test_readout__harm_bound__is_the_one_sided_always_valid_one():
    found = read(plan(), collected({"energize": of(learners(n=5000))}))

    estimate = found.primary.estimates[0]
    z = one_sided_z(found.sequential.information_fraction, 0.025)
    assert found.sequential.harm_low == pytest.approx(estimate.effect + z * estimate.se, rel=1e-3)


def test_readout__as_json_and_back__is_the_same():
    trend, last = growing(5)

    found = read(plan(), collected({"energize": last}, trend=trend))

    text = json.dumps(found.to_json(), allow_nan=False)
    assert Readout.from_json(json.loads(text)) == found


def test_run_readout__another_pass__is_used():
    calls = []

    def fake(asked, lake, norms):
        calls.append((asked, lake, norms))
        return collected({"energize": of(learners(effects=(5.0,)))})

    asked = plan()
    found = run_readout(asked, "lake", "norms", collect=fake)

    assert calls == [(asked, "lake", "norms")]
    assert found.plan_fingerprint == asked.fingerprint()


def test_plan__as_json_and_back__keeps_its_fingerprint():
    asked = plan(previous_looks=(PreviousLook(1, 0.4, 0.001),), lake_version={"events": 3})

    again = AnalysisPlan.from_json(json.loads(json.dumps(asked.to_json())))

    assert again == asked
    assert again.fingerprint() == asked.fingerprint()
    assert replace(asked, look=5).fingerprint() != asked.fingerprint()


def test_plan__unknown_format__is_refused():
    with pytest.raises(ValueError, match="plan format: found 9, expected 1"):
        AnalysisPlan.from_json({"format": 9})


def test_readout__three_learners_of_very_many_planned__is_finite_and_accuses_nobody():
    """The always-valid bound of next to no information once left the range of a double."""
    few = of(learners(n=3, effects=(-2.0,)))
    asked = plan(look=0, final=False, metrics=(replace(SCORE, minimum_effect=0.3),))

    found = read(asked, collected({"energize": few}, trend={"2026-02-02": few}))

    json.dumps(found.to_json(), allow_nan=False)
    assert not found.sequential.harm
    assert found.decision.verdict is Verdict.KEEP_RUNNING
    assert found.trend[0].low < found.trend[0].effect < found.trend[0].high


@pytest.mark.parametrize(("final", "verdict"), [(False, "KEEP RUNNING"), (True, "REVIEW")])
def test_readout__guardrail_without_any_estimate__does_not_ship(final, verdict):
    guardrail = MetricPlan("sales", "Sales", kind="sum", role="guardrail", window_days=90)
    nobody = {v: Moments.empty(("outcome", "covariate")) for v in ("control", "double")}
    statistics = {"energize": of(learners(effects=(8.0,))), "sales": nobody}
    asked = plan(metrics=(SCORE, guardrail), final=final, look=2, looks_planned=2)

    found = read(asked, collected(statistics))

    assert found.decision.verdict == verdict
    assert "no estimate of the guardrail Sales" in found.decision.reason


def test_readout__guardrail_at_zero_for_everybody__ships():
    guardrail = MetricPlan("complaints", "Complaints", kind="count", role="guardrail")
    none = moments(np.zeros(1000), np.zeros(1000))
    statistics = {
        "energize": of(learners(effects=(8.0,))),
        "complaints": {"control": none, "double": none},
    }

    found = read(plan(metrics=(SCORE, guardrail)), collected(statistics))

    assert found.decision.verdict is Verdict.SHIP


def test_readout__minimum_effect_far_below_the_noise__does_not_rule_gains_out():
    tiny = replace(SCORE, minimum_effect=0.001)

    found = read(plan(metrics=(tiny,)), collected({"energize": of(learners(effects=(8.0,)))}))

    assert found.decision.verdict is Verdict.SHIP
    assert found.primary.estimates[0].posterior.prior_sd > 1


def test_readout__harm_before_the_boundary_is_passed__names_the_bound_that_excludes_0():
    asked = plan(final=False, look=1, looks_planned=30, days=20)

    found = read(asked, collected({"energize": of(learners(n=300, effects=(-8.0,)))}))

    estimate = found.primary.estimates[0]
    assert found.decision.verdict is Verdict.ROLL_BACK
    assert estimate.high > 0
    assert "interval" not in found.decision.reason
    assert f"at least {-found.sequential.harm_low:.3g} points at any look" in found.decision.reason


SALES = MetricPlan("sales", "Sales", kind="sum", role="guardrail", margin=2.0, unit_label="EUR")


def guarded(effect, margin=2.0, n=1000, **changes):
    """A readout of a clear winner with one guardrail on the same number of learners."""
    statistics = {
        "energize": of(learners(n=n, effects=(8.0,))),
        "sales": of(learners(seed=8, n=n, sd=10, rho=0.0, effects=(effect,))),
    }
    asked = plan(metrics=(SCORE, replace(SALES, margin=margin)), **changes)
    return read(asked, collected(statistics))


@pytest.mark.parametrize(
    ("effect", "n", "final", "state", "verdict"),
    [
        (0.0, 1000, True, "non-inferior", "SHIP"),
        (-1.0, 150, True, "open", "REVIEW"),
        (-1.0, 150, False, "open", "KEEP RUNNING"),
        (-9.0, 1000, True, "harmed", "ROLL BACK"),
    ],
)
def test_readout__guardrail_with_a_margin__has_to_be_shown(effect, n, final, state, verdict):
    looks = {} if final else {"final": False, "look": 9, "looks_planned": 10}

    found = guarded(effect, n=n, **looks)

    assert found.metrics[1].estimates[0].guardrail == state
    assert found.metrics[1].margin == 2.0
    assert str(found.decision.verdict) == verdict


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_readout__non_inferior__is_what_the_shown_interval_says(seed, direction):
    sales = replace(SALES, direction=direction, margin=1.0)
    statistics = {
        "energize": of(learners(effects=(8.0,))),
        "sales": of(learners(seed=seed, n=300, sd=10)),
    }

    found = read(plan(metrics=(SCORE, sales)), collected(statistics))

    estimate = found.metrics[1].estimates[0]
    spared = estimate.low > -1.0 if direction == "increase" else estimate.high < 1.0
    assert (estimate.guardrail == "non-inferior") == spared


def test_readout__non_inferior__is_the_one_sided_test_of_statsmodels():
    found = guarded(-0.9, n=400)

    estimate = found.metrics[1].estimates[0]
    p_value = stats.t.sf((estimate.effect + 2.0) / estimate.se, estimate.df)
    assert (p_value < 0.025) == (estimate.guardrail == "non-inferior")
    reach = stats.t.isf(0.025, estimate.df) * estimate.se
    assert estimate.low == pytest.approx(estimate.effect - reach)


def test_readout__one_treatment_of_two_harms__goes_on_with_the_other():
    variants = ("control", "calm", "harmful")
    arrays = learners(n=400, effects=(0.0, -15.0), variants=variants)
    asked = plan(variants=variants, final=False, look=2, looks_planned=8)
    titled = replace(asked, variant_titles=("Plain", "Calm words", "Hard mode"))

    found = read(titled, collected({"energize": of(arrays)}))

    assert found.decision.verdict is Verdict.KEEP_RUNNING
    assert found.decision.take_out == ("harmful",)
    assert "take Hard mode (harmful) out" in found.decision.reason
    assert found.variant_titles == {
        "control": "Plain",
        "calm": "Calm words",
        "harmful": "Hard mode",
    }


def test_readout__secondaries__are_found_by_benjamini_hochberg_and_their_intervals_agree():
    metrics = [SCORE]
    statistics = {"energize": of(learners(effects=(8.0,)))}
    for number, effect in enumerate((0.0, 3.0, -4.0, 0.5, 0.0, 6.0)):
        key = f"m{number}"
        metrics.append(MetricPlan(key, key, kind="mean"))
        statistics[key] = of(learners(seed=20 + number, n=400, effects=(effect,)))

    found = read(plan(metrics=tuple(metrics)), collected(statistics))

    secondary = [metric for metric in found.metrics if metric.role == "secondary"]
    estimates = [metric.estimates[0] for metric in secondary]
    adjusted = stats.false_discovery_control([each.p_value for each in estimates])
    n_found = sum(adjusted < 0.05)
    assert 0 < n_found < len(estimates)
    assert {metric.correction for metric in secondary} == {"benjamini_hochberg"}
    assert [each.p_adjusted for each in estimates] == pytest.approx(list(adjusted))
    for each, p_value in zip(estimates, adjusted, strict=True):
        assert (not each.low <= 0 <= each.high) == (p_value < 0.05)
        reach = stats.t.isf(0.025 * n_found / len(estimates), each.df) * each.se
        assert each.high - each.effect == pytest.approx(reach)


def test_readout__one_sided_plan__asks_less_and_never_calls_a_loss_by_the_look_alone():
    data = collected({"energize": of(learners(n=300, effects=(-3.5,)))})

    two, one = (read(plan(sides=sides, days=56), data) for sides in ("two", "one"))

    assert one.sequential.boundary_z == pytest.approx(stats.norm.isf(0.05))
    assert two.sequential.boundary_z == pytest.approx(stats.norm.isf(0.025))
    assert one.primary.estimates[0].p_adjusted > 0.95


def test_readout__after_a_win__planning_number_is_nearer_to_0():
    looks = (PreviousLook(1, 0.3, 0.0001),)
    asked = plan(look=2, looks_planned=3, final=False, previous_looks=looks)

    found = read(asked, collected({"energize": of(learners(n=700, effects=(4.0,)))}))

    estimate = found.primary.estimates[0]
    assert found.decision.verdict is Verdict.SHIP
    assert 0 < estimate.planning.mean < estimate.effect
    assert estimate.planning.mean == estimate.posterior.mean
    assert 0 < estimate.planning.adjusted < estimate.effect
    assert estimate.planning.adjusted_low < estimate.planning.adjusted < estimate.effect


def test_readout__while_it_runs__there_is_no_planning_number():
    found = read(
        plan(look=1, looks_planned=3, final=False),
        collected({"energize": of(learners(n=60))}),
    )

    assert found.decision.verdict is Verdict.KEEP_RUNNING
    assert found.primary.estimates[0].planning is None
    assert 0 < found.sequential.predictive_power < 1


def test_readout__metric_with_a_worth__says_the_loss_in_money():
    worth = replace(SCORE, value_per_unit=2.5, currency="EUR")

    found = read(plan(metrics=(worth,)), collected({"energize": of(learners())}))

    estimate = found.primary.estimates[0]
    assert estimate.loss_in_money == pytest.approx(2.5 * estimate.posterior.expected_loss)
    assert found.primary.currency == "EUR"


def test_readout__stored_by_an_older_version__is_read_with_defaults():
    plain = guarded(0.0).to_json()
    for name in ("arms", "take_out", "tied", "futile"):
        del plain["decision"][name]
    del plain["variant_titles"]
    del plain["sequential"]["predictive_power"]
    for metric in plain["metrics"]:
        for name in ("correction", "margin", "value_per_unit", "currency"):
            del metric[name]
        for estimate in metric["estimates"]:
            for name in ("p_adjusted", "guardrail", "planning", "loss_in_money"):
                del estimate[name]

    again = Readout.from_json(json.loads(json.dumps(plain)))

    assert again.decision.arms == ()
    assert again.metrics[1].estimates[0].guardrail == ""
    assert again.variant_titles == {}
