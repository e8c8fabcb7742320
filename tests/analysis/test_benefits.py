"""Who benefits: the test over segments, and each segment's effect drawn towards the others."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from statsmodels.stats.oneway import anova_generic

from analysis.bayes.pooling import Scales, Segments, pool
from analysis.correct import holm
from analysis.read import read
from analysis.results import Readout
from analysis.statistics.clusters import ClusterSums
from tests.analysis.collecting import collected, learners, moments, plan, teams

ROLES = ("driver", "nurse", "seller", "teller")


def lived(rng, effects, n=300, name="role", variants=("control", "double")):
    """Everybody's and each level's statistics; the treatments raise each level by its effect."""
    levels = {
        level: {
            variant: moments(rng.normal(50 + by * place, 20, n))
            for place, variant in enumerate(variants)
        }
        for level, by in effects.items()
    }
    whole = {
        variant: sum((arms[variant] for arms in levels.values()), moments([]))
        for variant in variants
    }
    return replace(collected({"energize": whole}), segments={"energize": {name: levels}})


def benefits(effects, seed=1, **changes):
    return read(plan(), lived(np.random.default_rng(seed), effects, **changes)).benefits


def test_benefits__one_role_gains__is_found_and_ranked_first():
    (found,) = benefits({"driver": 0.0, "nurse": 0.0, "seller": 25.0})

    assert found.p_adjusted < 1e-6
    assert max(found.levels, key=lambda each: each.pooled).level == "seller"
    assert {each.level: each.n for each in found.levels} == dict.fromkeys(
        ("driver", "nurse", "seller"), 600
    )


def test_benefits__same_effect__finds_no_difference_and_draws_levels_together():
    (found,) = benefits(dict.fromkeys(ROLES, 4.0))

    raw = [each.effect for each in found.levels]
    pooled = [each.pooled for each in found.levels]
    assert found.p_value > 0.05
    assert np.ptp(pooled) < 0.7 * np.ptp(raw)
    for each in found.levels:
        assert each.pooled_low < each.pooled < each.pooled_high
        assert each.pooled_high - each.pooled_low < each.high - each.low


def test_benefits__levels__agree_with_welch_and_with_the_exact_pooling():
    effects = {"driver": 1.0, "nurse": 6.0, "seller": 9.0}
    data = lived(np.random.default_rng(4), effects)
    shown = read(plan(), data)

    (found,) = shown.benefits
    arms = data.segments["energize"]["role"]["nurse"]
    se = (sum(each.variance("outcome") / each.n for each in arms.values())) ** 0.5
    nurse = next(each for each in found.levels if each.level == "nurse")
    assert nurse.se == pytest.approx(se, rel=1e-9)
    prior_sd = shown.primary.estimates[0].posterior.prior_sd
    theirs = pool(
        Segments(
            tuple(each.level for each in found.levels),
            np.array([each.effect for each in found.levels]),
            np.array([each.se for each in found.levels]),
        ),
        Scales(mean_sd=prior_sd, tau=prior_sd / 2),
    )
    for ours, each in zip(found.levels, theirs.segments, strict=True):
        assert ours.pooled == pytest.approx(each.mean, abs=0.02)
        assert (ours.pooled_low, ours.pooled_high) == pytest.approx((each.low, each.high), abs=0.05)


def test_benefits__one_test__agrees_with_statsmodels():
    (found,) = benefits({"driver": 1.0, "nurse": 6.0, "seller": 3.0}, n=400)

    effects = np.array([each.effect for each in found.levels])
    errors = np.array([each.se for each in found.levels])
    n = 799  # so many that the degrees of freedom of the errors hardly count
    theirs = anova_generic(
        effects, errors**2 * n, np.full(3, n), use_var="unequal", welch_correction=True
    )
    assert found.p_value == pytest.approx(theirs.pvalue, rel=0.01)


def test_benefits__several_segments__allow_for_each_other():
    rng = np.random.default_rng(2)
    by_role = lived(rng, {"nurse": 0.0, "seller": 6.0})
    by_region = lived(rng, {"emea": 2.0, "apac": 3.0}).segments["energize"]["role"]
    both = {"role": by_role.segments["energize"]["role"], "region": by_region}

    found = read(plan(), replace(by_role, segments={"energize": both})).benefits

    assert [each.segment for each in found] == ["role", "region"]
    p_values = [each.p_value for each in found]
    assert [each.p_adjusted for each in found] == pytest.approx(list(holm(p_values)))


def test_benefits__no_difference__is_claimed_as_seldom_as_it_says():
    runs, level = 400, 0.05
    found = sum(
        benefits(dict.fromkeys(ROLES, 3.0), seed=seed, n=60)[0].p_value < level
        for seed in range(runs)
    )

    assert abs(found / runs - level) < 4 * (level * (1 - level) / runs) ** 0.5


def test_benefits__level_with_few_learners__is_left_out_by_name():
    rng = np.random.default_rng(3)
    data = lived(rng, {"driver": 0.0, "nurse": 0.0})
    few = {variant: moments(rng.normal(50, 20, 19)) for variant in ("control", "double")}
    data.segments["energize"]["role"]["pilot"] = few

    (found,) = read(plan(), data).benefits

    assert found.left_out == ("pilot",)
    assert [each.level for each in found.levels] == ["driver", "nurse"]


def test_benefits__one_level_only__asks_nothing():
    assert benefits({"unknown": 3.0}) == ()


def test_benefits__too_few_levels_left__says_why():
    (found,) = benefits({"nurse": 0.0, "seller": 0.0}, n=10)

    assert found.p_value is None
    assert found.p_adjusted is None
    assert "fewer than two segments" in found.why_not


def test_benefits__teams_with_mixed_roles__are_refused():
    rng = np.random.default_rng(5)
    whole = {variant: teams(rng, 20) for variant in ("control", "double")}
    halves = {
        role: {
            variant: ClusterSums(sums.columns, sums.n // 2, sums.sums / 2)
            for variant, sums in whole.items()
        }
        for role in ("nurse", "seller")
    }
    data = replace(collected({"energize": whole}), segments={"energize": {"role": halves}})

    (found,) = read(plan(unit_kind="team"), data).benefits

    assert "in several of them" in found.why_not
    assert found.levels == ()


def test_benefits__teams_of_one_region_each__are_compared():
    rng = np.random.default_rng(6)
    regions = {
        region: {"control": teams(rng, 12), "double": teams(rng, 12, effect=by)}
        for region, by in (("apac", 0.0), ("emea", 40.0))
    }
    whole = {
        variant: regions["apac"][variant] + regions["emea"][variant]
        for variant in ("control", "double")
    }
    data = replace(collected({"energize": whole}), segments={"energize": {"region": regions}})

    (found,) = read(plan(unit_kind="team"), data).benefits

    assert found.p_adjusted < 0.001
    assert [each.level for each in found.levels] == ["apac", "emea"]


def test_readout__with_benefits__goes_to_json_and_back():
    found = read(plan(), lived(np.random.default_rng(7), {"nurse": 0.0, "seller": 9.0}))

    assert Readout.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found


def test_readout__stored_before_there_were_any__has_none():
    whole = {variant: moments(*rows) for variant, rows in learners().items()}
    plain = read(plan(), collected({"energize": whole})).to_json()
    del plain["benefits"]

    assert Readout.from_json(plain).benefits == ()


NASTY = (0.0, 1e-300, 1e140, -1e140, 1e-12, 1e12, 50.0)


@pytest.mark.parametrize("spread", [0.0, 1e-150, 1e-12, 1.0, 1e12, 1e140])
def test_benefits__nasty_numbers__are_read_or_refused(spread):
    for seed, (first, second) in enumerate(product(NASTY, NASTY)):
        rng = np.random.default_rng(seed)
        levels = {
            level: {
                variant: moments(at + spread * rng.standard_normal(30))
                for variant in ("control", "double")
            }
            for level, at in (("nurse", first), ("seller", second))
        }
        data = replace(
            collected({"energize": {v: moments(*rows) for v, rows in learners(seed, 50).items()}}),
            segments={"energize": {"role": levels}},
        )
        with np.errstate(all="ignore"):
            found = read(plan(), data)
        json.dumps(found.to_json(), allow_nan=False)
        assert all(each.levels or each.why_not for each in found.benefits)
