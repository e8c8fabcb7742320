import numpy as np
import pytest
from statsmodels.stats.power import TTestIndPower

from analysis.history import NO_TEAM, Past
from analysis.plan import MetricPlan
from analysis.results import NotEstimable
from analysis.sizing.accrual import Accrual
from analysis.sizing.design import PlannedDesign
from analysis.sizing.past import facts_of, intraclass_correlation
from analysis.sizing.wish import Spread, Wish, answer
from tests.analysis.lakes import START

METRIC = MetricPlan("days", "Active days", kind="active_days", window_days=14)


def past(columns, team=None):
    n = len(next(iter(columns.values())))
    return Past(
        METRIC,
        (START,),
        tuple(columns),
        np.column_stack(list(columns.values())),
        np.zeros(n, dtype=int),
        np.full(n, NO_TEAM) if team is None else team,
    )


def test_answer__a_mean__is_statsmodels_size():
    found = answer(Wish(Spread(sd=12.0), 2.0, PlannedDesign()))

    expected = TTestIndPower().solve_power(2 / 12, alpha=0.05, power=0.8)
    assert found.need.units == pytest.approx(2 * expected, abs=2)
    assert found.n_learners == found.need.units
    assert found.detectable == {}


def test_answer__correlation_and_teams__multiply():
    plain = answer(Wish(Spread(sd=12.0), 1.0, PlannedDesign()))
    adjusted = answer(Wish(Spread(sd=12.0, correlation=0.6), 1.0, PlannedDesign()))
    teams = answer(Wish(Spread(sd=12.0, team_size=11, icc=0.1), 1.0, PlannedDesign()))

    assert adjusted.need.units == pytest.approx(plain.need.units * 0.64, rel=0.002)
    assert teams.unit_kind == "team"
    assert teams.design_effect == pytest.approx(2.0)
    assert teams.n_learners == pytest.approx(plain.need.units * 2, rel=0.01)


def test_answer__crossover__needs_far_fewer():
    spread = Spread(sd=10.0, correlation=0.5)
    side_by_side = answer(Wish(Spread(sd=10.0), 1.0, PlannedDesign()))
    crossed = answer(Wish(spread, 1.0, PlannedDesign(), layout="crossover"))

    # 2 sd² (1 - r) / n against 4 sd² / n.
    assert crossed.need.units == pytest.approx(side_by_side.need.units / 4, rel=0.01)


def test_answer__margin__is_the_distance_from_the_expected_effect():
    design = PlannedDesign(sides=1, alpha=0.025)
    plain = answer(Wish(Spread(sd=10.0), None, design, margin=1.0))
    hopeful = answer(Wish(Spread(sd=10.0), 0.5, design, margin=1.0))

    assert plain.effect == 1.0
    assert hopeful.effect == 1.5
    assert hopeful.need.units < plain.need.units / 2


def test_answer__pace__gives_days_and_what_is_found_sooner():
    wish = Wish(
        Spread(share=0.3), 0.05, PlannedDesign(), window_days=28, accrual=Accrual.steady(100)
    )
    found = answer(wish)

    assert found.duration.days == pytest.approx(found.need.units / 100 + 28)
    assert found.enrolment.days == pytest.approx(found.need.units / 100)
    assert list(found.detectable) == [2, 4, 8, 12]
    assert found.detectable[2] is None
    assert found.detectable[8] > found.detectable[12]


@pytest.mark.parametrize(
    ("spread", "effect", "margin", "said"),
    [
        (Spread(), 1.0, None, "sd, share"),
        (Spread(sd=1.0, share=0.5), 1.0, None, "sd, share"),
        (Spread(sd=1.0), None, None, "effect"),
        (Spread(sd=1.0), -1.0, None, "effect"),
        (Spread(sd=0.0), 1.0, None, "unit_variance"),
        (Spread(sd=1.0, icc=0.1), 1.0, None, "team_size, icc"),
        (Spread(sd=1.0, team_size=10, icc=2.0), 1.0, None, "icc"),
        (Spread(sd=1.0, correlation=1.0), 1.0, None, "correlation"),
        (Spread(share=0.9), 0.5, None, "effect"),
        (Spread(sd=1.0), -2.0, 1.0, "margin"),
        (Spread(sd=1.0), None, -1.0, "margin"),
    ],
)
def test_answer__what_no_experiment_has__is_refused_by_name(spread, effect, margin, said):
    with pytest.raises(ValueError, match=said):
        answer(Wish(spread, effect, PlannedDesign(), margin))


# --- facts of the past


def test_icc__known_share_between_teams__is_found():
    rng = np.random.default_rng(0)
    team = np.repeat(np.arange(400), rng.integers(5, 30, 400))
    values = rng.normal(0, 0.2**0.5, 400)[team] + rng.normal(0, 0.8**0.5, len(team))

    assert intraclass_correlation(values, team) == pytest.approx(0.2, abs=0.05)
    assert intraclass_correlation(rng.permutation(values), team) < 0.02


def test_facts__a_mean_with_teams__are_what_was_made():
    rng = np.random.default_rng(1)
    team = np.repeat(np.arange(1000), 15)
    before = rng.normal(10, 2, 15_000)
    outcome = before + rng.normal(0, 2, 15_000) + rng.normal(0, 1, 1000)[team]

    facts = facts_of(past({"outcome": outcome, "covariate": before}, team))

    assert facts.mean == outcome.mean()
    assert facts.sd == pytest.approx(3, abs=0.15)
    assert facts.correlation == pytest.approx(2 / 3, abs=0.04)
    assert facts.teams.size == 15
    assert facts.teams.icc == pytest.approx(1 / 9, abs=0.04)
    assert facts.teams.icc_adjusted == pytest.approx(1 / 5, abs=0.06)
    spread = Spread.of_facts(facts, "team")
    # What is left beside the covariate, of which the teams hold a fifth.
    assert spread.unit_variance(1.0) == pytest.approx((4 + 1) / 15 * (1 + 14 / 5), rel=0.15)


def test_facts__a_yes_or_no__is_planned_as_a_share():
    rng = np.random.default_rng(2)
    facts = facts_of(past({"outcome": (rng.random(500) < 0.2).astype(float)}))

    assert facts.yes_or_no
    assert Spread.of_facts(facts, "learner").share == facts.mean
    assert facts.share_of_zeros == pytest.approx(1 - facts.mean)


def test_facts__few_teams__refuse_a_plan_by_team():
    rng = np.random.default_rng(3)
    facts = facts_of(past({"outcome": rng.normal(0, 1, 200)}, np.arange(200) // 20))

    assert facts.teams is None
    with pytest.raises(ValueError, match="too few teams"):
        Spread.of_facts(facts, "team")


def test_facts__few_learners__are_refused():
    assert isinstance(facts_of(past({"outcome": np.arange(50.0)})), NotEstimable)
