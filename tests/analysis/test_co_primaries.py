"""A primary and co-primaries: one error rate for all, and a decision about all."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from analysis.estimate import compare_all
from analysis.look import chances_to_win, look_level
from analysis.plan import AnalysisPlan, MetricPlan, PreviousLook
from analysis.read import read
from analysis.results import Estimate, Readout, Verdict
from analysis.statistics.moments import Moments
from tests.analysis.collecting import SCORE, collected, plan

SALES = MetricPlan(
    "sales", "Sales", "sum", role="co_primary", minimum_effect=10.0, unit_label="EUR"
)
CALLS = MetricPlan(
    "calls", "Calls", "count", role="co_primary", direction="decrease", minimum_effect=0.4
)
TREATMENTS = ("double", "triple")
SE = {"energize": 0.7, "sales": 3.5, "calls": 0.14}  # a bit more precise than planned
N = 400


def arms(metric, *zs, se=None):
    """A control and a treatment for each z: so many standard errors above it."""
    se = SE[metric] if se is None else se
    m2 = np.array([[se**2 / 2 * N * (N - 1)]])
    names = ("control", *TREATMENTS)[: len(zs) + 1]
    return {
        name: Moments(("outcome",), N, np.array([50.0 + z * se]), m2)
        for name, z in zip(names, (0.0, *zs), strict=True)
    }


def asked(*metrics, n_treatments=1, **changes):
    variants = ("control", *TREATMENTS)[: n_treatments + 1]
    return plan(metrics=(SCORE, *metrics), variants=variants, **changes)


def reading(z, *metrics, **changes):
    """The readout of what each metric's treatments show, z by z."""
    metrics = metrics or (SALES,)
    n_treatments = len(next(iter(z.values())))
    statistics = {key: arms(key, *values) for key, values in z.items()}
    return read(asked(*metrics, n_treatments=n_treatments, **changes), collected(statistics))


def estimates(readout):
    return {
        (metric.key, each.variant): each
        for metric in readout.metrics
        for each in metric.estimates
        if isinstance(each, Estimate)
    }


ZS = st.lists(st.floats(-5, 5), min_size=6, max_size=6)


@settings(max_examples=25, deadline=None)
@given(ZS)
def test_primaries__one_look__agree_with_statsmodels_holm_and_so_do_intervals(zs):
    z = {"energize": zs[:2], "sales": zs[2:4], "calls": zs[4:]}

    found = estimates(reading(z, SALES, CALLS))

    p_values = [each.p_value for each in found.values()]
    rejected, adjusted, *_ = multipletests(p_values, 0.05, "holm")
    assert [each.p_adjusted for each in found.values()] == pytest.approx(list(adjusted))
    leaves_zero = [not each.low <= 0 <= each.high for each in found.values()]
    assert leaves_zero == list(rejected)


@settings(max_examples=12, deadline=None)
@given(ZS, st.sampled_from(["two", "one"]))
def test_primaries__any_look__order_of_co_primaries_changes_nothing(zs, sides):
    z = {"energize": zs[:2], "sales": zs[2:4], "calls": zs[4:]}
    looks = {"look": 2, "looks_planned": 4, "final": False, "sides": sides}
    looks["previous_looks"] = (PreviousLook(1, 0.3, 0.0002, co_information={"sales": 0.1}),)

    one, other = (reading(z, *order, **looks) for order in permutations((SALES, CALLS)))

    assert estimates(one) == estimates(other)
    assert (one.decision.rule, one.decision.winner) == (other.decision.rule, other.decision.winner)
    assert one.decision.take_out == other.decision.take_out


@settings(max_examples=12, deadline=None)
@given(ZS)
def test_primaries__several_looks__intervals_are_between_plain_and_bonferroni(zs):
    z = {"energize": zs[:2], "sales": zs[2:4], "calls": zs[4:]}
    looks = {"look": 2, "looks_planned": 2, "previous_looks": (PreviousLook(1, 0.5, 0.003),)}

    found = reading(z, SALES, CALLS, **looks)

    for metric in found.metrics:
        assert metric.correction == "holm"
        for each in metric.estimates:
            reach = (each.high - each.low) / 2 / each.se
            assert 1.96 < reach < 2.8


def test_holm__one_test_passed__the_others_are_held_to_less():
    z = {"energize": (2.8, 0.1), "sales": (2.45, -0.2)}

    one = estimates(reading(z))
    alone = estimates(reading({**z, "energize": (2.4, 0.1)}))

    assert one["sales", "double"].low > 0 > alone["sales", "double"].low


def test_plan__co_primaries__share_alpha_and_ask_for_more_information():
    z = {"energize": (1.0,), "sales": (1.0,)}

    with_one = reading(z)
    without = reading({"energize": (1.0,)}, replace(SALES, role="secondary", key="none"))

    assert asked(SALES, CALLS, n_treatments=2).n_tests == 6
    fractions = [each.sequential.information_fraction for each in (with_one, without)]
    assert fractions[0] < fractions[1]


def test_winner__on_the_co_primary_alone__ships_and_says_on_which():
    decision = reading({"energize": (0.5,), "sales": (4.0,)}).decision

    assert (decision.verdict, decision.winner) == (Verdict.SHIP, "double")
    assert decision.reason.startswith("double raises Sales by 14 EUR")
    assert "on Energize Score no difference is shown" in decision.reason
    assert decision.arms[0].verdict == "winner"


def test_winner__on_both__names_both():
    reason = reading({"energize": (4.0,), "sales": (4.0,)}).decision.reason

    assert reason.startswith("double raises Energize Score")
    assert "it wins on Sales as well" in reason


def test_harm__on_the_co_primary__rolls_back_whatever_the_primary_shows():
    decision = reading({"energize": (6.0,), "sales": (-6.0,)}).decision

    assert (decision.rule, decision.verdict) == ("primary-harmed", Verdict.ROLL_BACK)
    assert "lowers Sales by 21 EUR" in decision.reason
    assert "whatever it does for Energize Score" in decision.reason


def test_harm__always_valid_on_the_co_primary__counts_at_an_unplanned_look():
    decision = reading({"energize": (1.0,), "sales": (-5.0,)}, look=0, final=False).decision

    assert decision.verdict is Verdict.ROLL_BACK
    assert "Sales" in decision.reason


def test_harm__of_one_of_two_treatments__takes_it_out_and_ships_the_other():
    decision = reading({"energize": (4.0, 5.0), "sales": (0.3, -5.0)}).decision

    assert (decision.winner, decision.take_out) == ("double", ("triple",))
    assert "take triple out: triple lowers Sales" in decision.reason


def test_winners__on_different_primaries__the_primarys_comes_first():
    decision = reading({"energize": (3.5, 0.0), "sales": (0.0, 6.0)}).decision

    assert (decision.verdict, decision.winner) == (Verdict.SHIP, "double")
    assert decision.reason.startswith("double raises Energize Score")
    assert "triple wins on Sales instead (interval 12.2 to 29.8 EUR)" in decision.reason


def test_winners__on_the_same_primary__none_is_said_to_win_instead():
    decision = reading({"energize": (3.5, 3.4), "sales": (0.0, 0.0)}).decision

    assert "instead" not in decision.reason


def constant(metric):
    """Every unit has the same value."""
    return {
        name: Moments(("outcome",), N, np.array([50.0]), np.zeros((1, 1)))
        for name in arms(metric, 0.0)
    }


@pytest.mark.parametrize("final", [True, False])
def test_harm__on_a_co_primary_while_the_primary_has_no_estimate__rolls_back(final):
    statistics = {"energize": constant("energize"), "sales": arms("sales", -12.0)}
    looks = {} if final else {"look": 2, "looks_planned": 4, "final": False}

    decision = read(asked(SALES, **looks), collected(statistics)).decision

    assert (decision.rule, decision.take_out) == ("primary-harmed", ("double",))
    assert decision.reason.startswith("double lowers Sales by 42 EUR")
    assert "Energize" not in decision.reason


def test_harm__on_a_guardrail_while_the_primary_has_no_estimate__rolls_back():
    guardrail = replace(CALLS, role="guardrail", margin=0.1)
    statistics = {"energize": constant("energize"), "calls": arms("calls", 30.0)}
    looks = {"look": 1, "looks_planned": 4, "final": False}

    decision = read(asked(guardrail, **looks), collected(statistics)).decision

    assert (decision.rule, decision.verdict) == ("guardrail-harmed", Verdict.ROLL_BACK)
    assert decision.reason.startswith("double harms Calls beyond the margin")


def test_primary__without_an_estimate__says_what_co_primaries_show():
    statistics = {"energize": constant("energize"), "sales": arms("sales", 12.0)}

    decision = read(asked(SALES), collected(statistics)).decision

    assert decision.verdict is Verdict.INCONCLUSIVE
    assert decision.reason.startswith("There is no estimate of Energize Score: every unit has")
    assert "double raises Sales by 42 EUR" in decision.reason
    assert decision.arms[0].verdict == "no estimate"


def test_belief_ahead__on_the_co_primary__asks_for_what_that_one_lacks():
    decision = reading({"energize": (0.2,), "sales": (2.1,)}).decision

    assert decision.rule == "belief-ahead"
    assert "raises Sales" in decision.reason
    assert "on Sales, the chance to be better reaches" in decision.would_change
    assert "at most 1 EUR" in decision.would_change


@pytest.mark.parametrize(
    ("sales", "rule"), [({}, "co-primary-unknown"), (constant("sales"), "winner")]
)
def test_co_primary__without_an_estimate__holds_a_winner_back_unless_all_are_alike(sales, rule):
    statistics = {"energize": arms("energize", 4.0), "sales": sales}

    assert read(asked(SALES), collected(statistics)).decision.rule == rule


def test_out_of_looks__too_short__quotes_the_minimum_of_each_primary():
    statistics = {"energize": arms("energize", 0.1, se=0.3), "sales": arms("sales", 0.1, se=1.5)}

    reason = read(asked(SALES, days=5), collected(statistics)).decision.reason

    assert "as large as 2 points on Energize Score or 10 EUR on Sales" in reason


def test_tie__needs_a_small_regret_on_every_primary():
    wide = replace(SALES, minimum_effect=900.0)
    z = {"energize": (5.0, 5.0), "sales": (-1.0, 6.0)}

    apart = reading(z, care=100.0).decision
    twins = reading(z, wide, care=100.0).decision

    assert (apart.rule, apart.winner, apart.tied) == ("winner", "triple", ())
    assert (twins.rule, twins.tied) == ("tie", TREATMENTS)
    assert "points of no concern and at most 24" in twins.reason


def sharp(*metrics, **ses):
    """One treatment without an effect, known this well."""
    statistics = {key: arms(key, 0.1, se=se) for key, se in ses.items()}
    return read(asked(*metrics), collected(statistics))


def test_negligible__needs_all_primaries():
    both = sharp(SALES, energize=0.3, sales=1.5).decision
    one = sharp(SALES, energize=0.3, sales=9.0).decision

    assert both.verdict is Verdict.NO_MEANINGFUL_DIFFERENCE
    assert "on Sales, it is smaller than the 10 EUR that matter" in both.reason
    assert "EUR on Sales" in both.would_change
    assert one.verdict is Verdict.INCONCLUSIVE
    assert "(10 EUR)" in one.reason


def test_co_primary__without_an_estimate__is_no_reason_to_call_the_rest_negligible():
    statistics = {"energize": arms("energize", 0.1, se=0.3)}

    decision = read(asked(SALES), collected(statistics)).decision

    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "no estimate of what double does for Sales" in decision.reason


def test_futile__chances_add_up_over_primaries():
    wide = {"energize": arms("energize", -0.5, se=0.9), "sales": arms("sales", -0.5, se=4.5)}
    looks = {"look": 3, "looks_planned": 4, "final": False}
    futile = read(asked(SALES, **looks), collected(wide)).decision
    hopeful = read(
        asked(SALES, **looks), collected({**wide, "sales": arms("sales", 1.5, se=4.5)})
    ).decision

    assert futile.rule == "futile"
    assert "is at most " in futile.reason
    assert hopeful.rule == "keep-running"


def chances(z, before=()):
    """The chance of each test at the third of four looks, from what is known imprecisely now."""
    statistics = {key: arms(key, *values, se=1.3 * SE[key]) for key, values in z.items()}
    made = asked(SALES, n_treatments=2, look=3, looks_planned=4, final=False, previous_looks=before)
    compared = {
        metric.key: compare_all(metric, made.variants, statistics[metric.key])
        for metric in made.metrics
    }
    return chances_to_win(made, compared, look_level(made, compared))


def test_chances__another_test_has_passed__the_others_are_asked_for_less_at_the_last_look():
    before = (PreviousLook(1, 0.15, 0.0), PreviousLook(2, 0.3, 0.0001))
    calm = {"energize": (1.0, 1.0), "sales": (1.0, 1.0)}

    held = chances(calm, before)
    freed = chances({**calm, "sales": (1.0, -7.0)}, before)

    assert freed["energize", "double"] > held["energize", "double"]
    assert freed["sales", "double"] > held["sales", "double"]


def test_sequential__co_primary__is_told_with_its_own_information_and_bar():
    looks = {"look": 2, "looks_planned": 4, "final": False}

    found = reading({"energize": (1.0,), "sales": (5.0,)}, **looks).sequential

    (sales,) = found.co_primaries
    assert (sales.metric, sales.crossed, found.crossed) == ("sales", True, False)
    assert sales.z == pytest.approx(5.0, abs=0.05)
    assert sales.information_fraction == pytest.approx(found.information_fraction, rel=0.2)


def test_boundary__co_primary_with_late_information__follows_its_own():
    """Estimates that are less alike from look to look need a farther bar for the same alpha."""

    def bar(own_before):
        before = PreviousLook(1, 0.5, 0.02, co_information={"sales": own_before})
        looks = {"look": 2, "looks_planned": 2, "previous_looks": (before,)}
        return reading({"energize": (0.1,), "sales": (0.1,)}, spending="pocock", **looks)

    late, even = bar(0.05), bar(0.5)

    assert late.sequential.co_primaries[0].boundary_z > even.sequential.co_primaries[0].boundary_z
    assert late.sequential.boundary_z == even.sequential.boundary_z


def test_guardrail__beside_a_co_primary__is_judged_as_without_one():
    guardrail = replace(CALLS, role="guardrail", margin=0.4)
    z = {"energize": (0.5,), "sales": (0.5,), "calls": (3.9,)}

    beside = reading(z, SALES, guardrail, final=False, look=1, looks_planned=4)
    alone = reading(z, guardrail, final=False, look=1, looks_planned=4)

    states = [estimates(each)["calls", "double"].guardrail for each in (beside, alone)]
    assert states[0] == states[1]


def test_planning__co_primary_that_won__has_a_planning_estimate_at_its_share_of_alpha():
    before = PreviousLook(1, 0.5, 0.003, co_information={"sales": 0.5})
    looks = {"look": 2, "looks_planned": 2, "previous_looks": (before,)}

    found = estimates(reading({"energize": (0.5,), "sales": (4.0,)}, **looks))["sales", "double"]

    assert found.planning is not None
    assert 0 < found.planning.adjusted_low < found.planning.adjusted < found.planning.adjusted_high


def test_json__plan_and_readout_with_co_primaries__come_back():
    before = PreviousLook(1, 0.4, 0.001, co_information={"sales": 0.3}, co_crossed=("sales",))
    made = asked(SALES, previous_looks=(before,))
    readout = reading({"energize": (0.5,), "sales": (4.0,)}, previous_looks=(before,))

    assert AnalysisPlan.from_json(made.to_json()) == made
    assert Readout.from_json(readout.to_json()) == readout


def test_json__look_without_co_primaries__is_written_as_before_there_were_any():
    assert PreviousLook(1, 0.4, 0.001).to_json() == {
        "look": 1,
        "information_fraction": 0.4,
        "alpha_spent": 0.001,
        "crossed": False,
    }
