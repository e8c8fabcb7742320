"""Sentences that a product manager can act on."""

from dataclasses import replace

import pytest

from analysis.decide import RULES
from analysis.results import Planning, Relative, Teams, Verdict
from dashboards import words
from tests.dashboards import factories

TITLES = {"control": "No streak", "streak": "Streak badge", "leaderboard": "Leaderboard"}


def test_effect_sentence__clear_effect__says_what_it_did_and_how_sure():
    metric = factories.metric()

    assert words.effect_sentence(metric, factories.estimate(), TITLES) == (
        "“Streak badge” raised it by 3.2 points against “No streak” (interval +1.1 to +5.3)."
    )


def test_effect_sentence__interval_holds_zero__claims_no_effect():
    sentence = words.effect_sentence(factories.metric(), factories.estimate(effect=0.4), TITLES)

    assert sentence == (
        "No clear difference between “Streak badge” and “No streak”: "
        "+0.4 points (interval −1.7 to +2.5)."
    )


def test_effect_sentence__harm__says_lowered():
    estimate = factories.estimate(effect=-4.1, half=1.9)

    assert "lowered it by 4.1 points" in words.effect_sentence(factories.metric(), estimate, TITLES)


def test_relative_sentence__unbounded__gives_no_interval():
    estimate = factories.estimate(relative=Relative(0.064, None, 0.2))

    assert "too uncertain for an interval" in words.relative_sentence(estimate)


def test_relative_sentence__no_mean_to_compare_with__is_silent():
    assert words.relative_sentence(factories.estimate(relative=Relative(None, None, None))) == ""


def test_posterior_sentence__near_certainty__is_not_called_certain():
    estimate = factories.estimate()
    sure = replace(estimate, posterior=replace(estimate.posterior, p_better=0.99999))

    sentence = words.posterior_sentence(factories.metric(), sure, TITLES)

    assert "over 99" in sentence
    assert "100" not in sentence


def test_posterior_sentence__metric_with_a_worth__says_the_loss_in_money():
    estimate = factories.estimate(loss_in_money=0.0123)

    sentence = words.posterior_sentence(factories.metric(currency="EUR"), estimate, TITLES)

    assert sentence.endswith("it risks 0.0041 points, worth 0.012 EUR a learner.")


def test_co_primaries_sentence__each__says_whether_it_passes_its_own_bar():
    found = words.co_primaries_sentence(factories.co_primary_readout())

    assert found == (
        "Beside it, a co-primary: Sales lies +2.95 from zero and passes its bar of 2.45. "
        "Winning on one of them is enough."
    )


def test_co_primaries_sentence__two__names_both_and_which_does_not_pass():
    shown = factories.co_primary_readout()
    (sales,) = shown.sequential.co_primaries
    late = replace(sales, metric="weekly_return", z=0.4, crossed=False)
    both = replace(shown, sequential=replace(shown.sequential, co_primaries=(sales, late)))

    found = words.co_primaries_sentence(both)

    assert found.startswith("Beside it, co-primaries: Sales lies")
    assert "Weekly return lies +0.40 from zero and does not pass its bar" in found


def test_co_primaries_sentence__none__is_silent():
    assert words.co_primaries_sentence(factories.readout()) == ""
    assert words.co_primaries_sentence(factories.readout(sequential=None)) == ""


@pytest.mark.parametrize("state", sorted(words.GUARDRAILS))
def test_guardrail_sentence__each_state__says_the_margin_when_there_is_one(state):
    metric = factories.metric(role="guardrail", margin=0.5)
    estimate = factories.estimate(guardrail=state)

    sentence = words.guardrail_sentence(metric, estimate)

    assert sentence == f"{words.GUARDRAILS[state]} The margin is 0.5 points."
    assert words.guardrail_sentence(replace(metric, margin=None), estimate) in sentence


def test_guardrail_sentence__no_guardrail__is_silent():
    assert words.guardrail_sentence(factories.metric(), factories.estimate()) == ""


def test_planning_sentence__after_the_stop__names_both_numbers():
    estimate = factories.estimate(planning=Planning(2.6, 0.6, 4.6, 2.9, 0.7, 5.1))

    sentence = words.planning_sentence(factories.metric(), estimate, TITLES)

    assert "count on +2.6 points (+0.6 to +4.6) rather than the +3.2 measured" in sentence
    assert sentence.endswith("without earlier experience: +2.9.")


def test_planning_sentence__while_it_runs__is_silent():
    assert words.planning_sentence(factories.metric(), factories.estimate(), TITLES) == ""


def test_verdicts__each_row_of_the_decision_table__has_words():
    assert {rule.verdict for rule in RULES} == set(words.VERDICTS)


def test_best_sentence__two_variants__is_silent():
    assert words.best_sentence(factories.metric(), TITLES) == ""


def test_best_sentence__three_variants__ranks_them():
    sentence = words.best_sentence(factories.three_variant_readout().primary, TITLES)

    assert sentence.index("Streak badge") < sentence.index("No streak") < sentence.index("Leader")


def test_look_sentence__crossed__passes_the_bar():
    assert "+2.95 standard errors from zero and passes the bar of 2.45" in words.look_sentence(
        factories.sequential()
    )


def test_pace_sentence__more_than_planned__is_all_of_it():
    done = factories.sequential(information_fraction=1.3, days_left=None)

    assert words.pace_sentence(done).startswith("100")


@pytest.mark.parametrize(
    ("text", "told"), [("wait a day", "Wait a day."), ("Wait. ", "Wait."), ("", ""), ("é", "É.")]
)
def test_sentence__any_text__has_a_capital_and_a_full_stop(text, told):
    assert words.sentence(text) == told


def test_look_title__read_by_hand__is_not_a_look():
    assert words.look_title(factories.readout(look=0)) == "read between the looks"


def test_maturity_sentence__all_complete__says_so():
    done = factories.readout(n_mature={"control": 1502, "streak": 1498})

    assert words.maturity_sentence(done, 28) == (
        "All 3,000 learners have completed their 28-day window."
    )


@pytest.mark.parametrize(
    ("failed", "text"),
    [
        ((), "All 3 checks passed."),
        ((0,), "Sample ratio needs attention."),
        ((0, 1), "Sample ratio and Exposure gap need attention."),
    ],
)
def test_checks_sentence__failures__are_named(failed, text):
    found = tuple(
        replace(check, passed=index not in failed) for index, check in enumerate(factories.checks())
    )

    assert words.checks_sentence(found) == text


def test_split_sentence__parts__add_up_to_the_whole():
    sentence = words.split_sentence(factories.split(), TITLES)

    assert "moved the score by +3.2 points, most of all through retention (+1.5)" in sentence
    assert "Without the incentive component: +2.8 points (+1.0 to +4.6)." in sentence


def test_verdicts__each__has_words_and_an_own_icon():
    assert set(words.VERDICTS) == set(Verdict)
    icons = [said.icon for said in words.VERDICTS.values()]
    assert len(set(icons)) == len(icons)


TEAMS = Teams(
    n_fewest=20, icc=0.12, icc_low=0.05, icc_high=0.21, design_effect=2.5, n_effective=800.0
)


def test_teams_sentence__learners_randomised__is_silent():
    assert words.teams_sentence(factories.estimate()) == ""


def test_teams_sentence__teams_randomised__says_what_that_costs():
    estimate = factories.estimate(teams=TEAMS, n_learners=900, n_learners_control=1100)

    assert words.teams_sentence(estimate) == (
        "Teams were randomised: 0.12 of the variance lies between them (ICC, 0.05 to 0.21), so "
        "these 2,000 learners tell as much as 800 drawn one by one (design effect 2.5)."
    )


def test_teams_sentence__few_teams__offers_the_draw():
    few = Teams(n_fewest=3, draw_p_value=0.1, draw_low=None, draw_high=4.0, n_draws=20)

    sentence = words.teams_sentence(factories.estimate(teams=few))

    assert "of 20 ways to draw the teams, 10.0" in sentence
    assert "cannot exclude" in sentence


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (None, None, "takes about 11 more days."),
        (8.6, 14.2, "takes about 11 more days (9 to 14)."),
        (8.6, None, "takes about 11 more days (9 or far more)."),
        (10.9, 11.2, "takes about 11 more days."),
    ],
)
def test_pace_sentence__days_left__come_with_their_range(low, high, said):
    found = words.pace_sentence(factories.sequential(days_left_low=low, days_left_high=high))

    assert found.endswith(said)
