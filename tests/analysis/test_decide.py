from dataclasses import replace
from math import inf

import pytest

from analysis.case import Guardrail
from analysis.decide import RULES, Evidence, Treatment, decide, number
from analysis.results import CheckResult, Teams, Verdict

CALM = Treatment(
    variant="double",
    effect=0.4,
    low=-1.0,
    high=1.8,
    wins=False,
    loses=False,
    harmed=False,
    negligible=False,
    p_better=0.7,
    p_best=0.7,
)
WINNER = replace(CALM, effect=3.0, low=1.0, high=5.0, wins=True, p_better=0.998, p_best=0.998)
LOSER = replace(CALM, variant="harmful", effect=-3.0, low=-5.0, high=-1.0, loses=True, p_best=0.0)
OPEN = Guardrail("Sales", "open", "EUR", margin=1.0, worst=1.6, times_the_units=2.5)
SPARED = replace(OPEN, state="non-inferior", worst=0.4)
HARMED = replace(OPEN, state="harmed", worst=4.0)
WORSE = Guardrail("Sales", "worse")
UNKNOWN = Guardrail("Sales", "unknown")
FIVE_TEAMS = Teams(n_fewest=5, draw_p_value=0.0238)
LATE = Treatment(
    variant="late",
    effect=0.0,
    low=-inf,
    high=inf,
    wins=False,
    loses=False,
    harmed=False,
    negligible=False,
    p_better=0.5,
    p_best=0.0,
    unseen="no window is complete",
)
UNSURE = replace(WINNER, missing=("Calls",))
BROKEN = CheckResult("sample_ratio", "Sample ratio", False, "stop", "The shares are off.")
WARNED = replace(BROKEN, severity="warn")


def evidence(*treatments, **changes):
    values = {
        "metric": "Energize Score",
        "unit_label": "points",
        "control": "control",
        "checks": (),
        "treatments": treatments,
        "not_estimable": "" if treatments else "no window is complete",
        "information": 0.5,
        "minimum_effect": 2.0,
        "final": False,
        "days_running": 35.0,
        "minimum_days": 14,
    }
    return Evidence(**{**values, **changes})


def guarded(treatment, *guardrails):
    return replace(treatment, guardrails=guardrails)


CASES = [
    ("validity-failed", evidence(WINNER, checks=(BROKEN,)), Verdict.DO_NOT_USE),
    ("validity-failed", evidence(LOSER, checks=(BROKEN,)), Verdict.DO_NOT_USE),
    ("guardrail-harmed", evidence(guarded(WINNER, HARMED)), Verdict.ROLL_BACK),
    ("guardrail-harmed", evidence(guarded(WINNER, HARMED), LOSER), Verdict.ROLL_BACK),
    ("primary-harmed", evidence(LOSER), Verdict.ROLL_BACK),
    ("primary-harmed", evidence(replace(CALM, harmed=True)), Verdict.ROLL_BACK),
    ("primary-harmed", evidence(LOSER, replace(CALM, harmed=True)), Verdict.ROLL_BACK),
    ("tie", evidence(WINNER, replace(WINNER, variant="triple", regret=0.1)), Verdict.SHIP),
    ("winner", evidence(WINNER), Verdict.SHIP),
    ("winner", evidence(WINNER, LOSER), Verdict.SHIP),
    ("winner", evidence(WINNER, checks=(WARNED,)), Verdict.SHIP),
    ("winner", evidence(guarded(WINNER, SPARED)), Verdict.SHIP),
    ("winner", evidence(WINNER, replace(WINNER, variant="triple", regret=0.9)), Verdict.SHIP),
    ("winner-too-early", evidence(WINNER, days_running=8.0), Verdict.KEEP_RUNNING),
    ("winner-too-early", evidence(WINNER, ad_hoc=True), Verdict.KEEP_RUNNING),
    ("too-few-teams", evidence(replace(WINNER, teams=FIVE_TEAMS)), Verdict.REVIEW),
    ("too-few-teams", evidence(replace(WINNER, teams=FIVE_TEAMS), final=True), Verdict.REVIEW),
    ("winner", evidence(replace(WINNER, teams=replace(FIVE_TEAMS, n_fewest=6))), Verdict.SHIP),
    ("guardrails-not-shown-yet", evidence(guarded(WINNER, OPEN)), Verdict.KEEP_RUNNING),
    ("guardrails-not-shown-yet", evidence(guarded(WINNER, WORSE)), Verdict.KEEP_RUNNING),
    ("guardrails-not-shown", evidence(guarded(WINNER, OPEN), final=True), Verdict.REVIEW),
    ("guardrails-not-shown", evidence(guarded(WINNER, WORSE), final=True), Verdict.REVIEW),
    ("guardrails-not-shown", evidence(guarded(WINNER, UNKNOWN), final=True), Verdict.REVIEW),
    ("co-primary-unknown-yet", evidence(UNSURE), Verdict.KEEP_RUNNING),
    ("co-primary-unknown", evidence(UNSURE, final=True), Verdict.REVIEW),
    ("winner", evidence(replace(UNSURE, variant="triple"), WINNER), Verdict.SHIP),
    ("winner", evidence(replace(WINNER, same_for_all=("Calls",))), Verdict.SHIP),
    ("evidence-disagrees", evidence(replace(WINNER, p_better=0.97)), Verdict.REVIEW),
    ("evidence-disagrees", evidence(replace(WINNER, expected_loss=0.3)), Verdict.REVIEW),
    ("evidence-disagrees", evidence(WINNER, final=True, days_running=8.0), Verdict.REVIEW),
    ("nothing-to-estimate-yet", evidence(), Verdict.KEEP_RUNNING),
    ("nothing-to-estimate-yet", evidence(LOSER, LATE), Verdict.KEEP_RUNNING),
    ("nothing-to-estimate-yet", evidence(LATE), Verdict.KEEP_RUNNING),
    ("nothing-to-estimate", evidence(final=True), Verdict.INCONCLUSIVE),
    ("guardrail-harmed", evidence(guarded(LATE, HARMED)), Verdict.ROLL_BACK),
    ("guardrail-harmed", evidence(guarded(LATE, HARMED), LOSER), Verdict.ROLL_BACK),
    ("winner", evidence(guarded(LATE, HARMED), WINNER), Verdict.SHIP),
    (
        "difference-too-small",
        evidence(replace(CALM, negligible=True), guarded(LATE, HARMED), final=True),
        Verdict.NO_MEANINGFUL_DIFFERENCE,
    ),
    (
        "difference-too-small",
        evidence(replace(CALM, negligible=True), information=1.1),
        Verdict.NO_MEANINGFUL_DIFFERENCE,
    ),
    (
        "difference-too-small",
        evidence(replace(CALM, negligible=True), final=True),
        Verdict.NO_MEANINGFUL_DIFFERENCE,
    ),
    (
        "difference-too-small",
        evidence(replace(CALM, negligible=True), LOSER, final=True),
        Verdict.NO_MEANINGFUL_DIFFERENCE,
    ),
    ("belief-ahead", evidence(replace(CALM, p_better=0.99), final=True), Verdict.REVIEW),
    ("out-of-looks", evidence(CALM, final=True), Verdict.INCONCLUSIVE),
    (
        "out-of-looks",
        evidence(replace(CALM, negligible=True), LATE, final=True),
        Verdict.INCONCLUSIVE,
    ),
    ("futile", evidence(replace(CALM, predictive_power=0.04)), Verdict.KEEP_RUNNING),
    (
        "futile",
        evidence(replace(CALM, predictive_power=0.04), guarded(LATE, HARMED)),
        Verdict.KEEP_RUNNING,
    ),
    (
        "keep-running",
        evidence(*(replace(CALM, variant=each, predictive_power=0.04) for each in ("a", "b", "c"))),
        Verdict.KEEP_RUNNING,
    ),
    ("keep-running", evidence(replace(CALM, predictive_power=0.04), LATE), Verdict.KEEP_RUNNING),
    ("keep-running", evidence(CALM), Verdict.KEEP_RUNNING),
    ("keep-running", evidence(CALM, LOSER), Verdict.KEEP_RUNNING),
    ("keep-running", evidence(guarded(CALM, OPEN)), Verdict.KEEP_RUNNING),
    ("keep-running", evidence(replace(CALM, p_better=0.99)), Verdict.KEEP_RUNNING),
    ("keep-running", evidence(replace(CALM, predictive_power=0.4)), Verdict.KEEP_RUNNING),
    ("keep-running", evidence(replace(CALM, negligible=True)), Verdict.KEEP_RUNNING),
    (
        "keep-running",
        evidence(replace(CALM, negligible=True), information=1.1, days_running=8.0),
        Verdict.KEEP_RUNNING,
    ),
]


@pytest.mark.parametrize(("rule", "given", "verdict"), CASES)
def test_decide__each_row__fires_with_its_verdict(rule, given, verdict):
    decision = decide(given)

    assert (decision.rule, decision.verdict) == (rule, verdict)
    assert decision.reason.endswith(".")
    assert decision.would_change


def test_decide__every_row_of_the_table__has_a_case():
    assert {rule.name for rule in RULES} == {rule for rule, _, _ in CASES}


def test_decide__winner__is_named_only_when_it_ships():
    assert decide(evidence(WINNER)).winner == "double"
    assert decide(evidence(WINNER, ad_hoc=True)).winner is None


def test_decide__several_winners__takes_the_likeliest_best():
    second = replace(WINNER, variant="triple", p_best=0.6)

    decision = decide(evidence(replace(WINNER, p_best=0.4, regret=0.5), second))

    assert decision.winner == "triple"
    assert "double is close behind" in decision.reason


@pytest.mark.parametrize("other", [WINNER, CALM], ids=["winner", "calm"])
def test_decide__harmful_sibling__is_taken_out_and_the_rest_goes_on(other):
    decision = decide(evidence(other, LOSER))

    assert "take harmful out: harmful lowers Energize Score by 3 points" in decision.reason
    assert decision.take_out == ("harmful",)
    assert decision.verdict is not Verdict.ROLL_BACK


def test_decide__every_treatment__has_a_verdict_of_its_own():
    treatments = (
        WINNER,
        replace(guarded(WINNER, OPEN), variant="guarded"),
        LOSER,
        replace(CALM, variant="small", negligible=True),
        replace(CALM, variant="calm"),
    )

    arms = decide(evidence(*treatments, LATE, information=1.2)).arms

    assert [(arm.variant, arm.verdict) for arm in arms] == [
        ("double", "winner"),
        ("guarded", "held back"),
        ("harmful", "take out"),
        ("small", "no meaningful difference"),
        ("calm", "open"),
        ("late", "no estimate"),
    ]
    assert all(arm.reason.endswith(".") for arm in arms)


def test_decide__broken__says_nothing_of_treatments():
    decision = decide(evidence(WINNER, LOSER, checks=(BROKEN,)))

    assert (decision.arms, decision.take_out) == ((), ())


def test_decide__tie__names_all_and_ships_the_likeliest():
    twin = replace(WINNER, variant="triple", p_best=0.45, regret=0.1)

    decision = decide(evidence(twin, replace(WINNER, p_best=0.55)))

    assert decision.winner == "double"
    assert decision.tied == ("double", "triple")
    assert decision.reason.startswith("Tie: double and triple.")
    assert "at most 0.1 points to expect, less than the 0.2 points of no concern" in decision.reason


def test_decide__own_threshold_of_caring__is_used():
    twin = replace(WINNER, variant="triple", regret=0.1)

    assert decide(evidence(WINNER, twin, care=0.05)).rule == "winner"


def test_decide__titles__stand_beside_keys():
    titles = {"double": "Double points", "control": "Control"}

    reason = decide(evidence(LOSER, replace(WINNER), titles=titles)).reason

    assert reason.startswith("Double points (double) raises Energize Score")
    assert "worse than control," in reason


def test_decide__guardrail_not_shown__says_by_how_much_and_how_many_units_more():
    decision = decide(evidence(guarded(WINNER, OPEN)))

    assert "Sales (a loss of up to 1.6 EUR is possible, 1 EUR is acceptable)" in decision.reason
    assert "Sales: about 2.5 times as many units" in decision.would_change


def test_decide__futile__is_said_and_not_ordered():
    decision = decide(evidence(replace(CALM, predictive_power=0.04)))

    assert decision.futile
    assert "The chance that a winner is still found is 4 %" in decision.reason
    assert "Going on is not wrong" in decision.reason


@pytest.mark.parametrize(("chance", "text"), [(0.04, "at most 8 %"), (1e-5, "under 0.1 %")])
def test_decide__futile_with_several__says_the_most_that_the_chance_of_any_can_be(chance, text):
    both = (replace(CALM, variant=each, predictive_power=chance) for each in ("a", "b"))

    decision = decide(evidence(*both))

    assert decision.futile
    assert f"The chance that a winner is still found is {text}, below" in decision.reason


@pytest.mark.parametrize("other", [(), (WINNER,), (CALM,)], ids=["alone", "winner", "calm"])
def test_decide__harmful_without_an_estimate__is_taken_out_and_no_effect_is_made_up(other):
    decision = decide(evidence(guarded(LATE, HARMED), *other))

    assert decision.take_out == ("late",)
    assert "late harms Sales beyond the margin" in decision.reason
    assert decision.arms[0].verdict == "take out"
    assert "late raises" not in decision.reason
    assert "-inf" not in decision.reason


def test_decide__co_primary_without_an_estimate__says_that_it_may_not_be_harmed():
    decision = decide(evidence(UNSURE, final=True))

    assert decision.winner is None
    assert decision.arms[0].verdict == "held back"
    assert "there is no estimate of Calls, which it may not harm" in decision.reason
    assert "nobody knows what it does for Calls" in decision.would_change


@pytest.mark.parametrize("final", [True, False])
def test_decide__one_sided_interval_below_0__is_not_said_to_allow_none(final):
    worse = replace(CALM, effect=-1.7, low=-3.1, high=-0.4)

    decision = decide(evidence(worse, final=final))

    assert "and none" not in decision.reason
    assert "lowers Energize Score by 1.7 points (interval -3.1 to -0.4)" in decision.reason
    assert "beyond it" not in decision.would_change


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (evidence(WINNER), "The interval stays 1 points clear of 0"),
        (evidence(WINNER, days_running=8.0), "6 days more"),
        (evidence(CALM), "that of double reaches 1 points beyond it"),
        (evidence(CALM, final=True, information=0.4), "about 2.5 times as many units"),
        (
            evidence(replace(CALM, negligible=True, farthest=1.7), final=True),
            "A minimum effect below 1.7 points",
        ),
    ],
    ids=["winner", "too-early", "running", "out-of-looks", "too-small"],
)
def test_decide__what_would_change_it__has_numbers(given, text):
    assert text in decide(given).would_change


def test_decide__reason__names_metric_unit_and_interval():
    reason = decide(evidence(WINNER)).reason

    assert reason == (
        "double raises Energize Score by 3 points (interval 1 to 5), chance to be better 99.8 %."
    )


def test_decide__keep_running__says_how_many_days_are_left():
    reason = decide(evidence(CALM, days_left=11.6)).reason

    assert "50 % of the planned information, about 12 more days" in reason


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1.2345, "1.23"),
        (-0.00012345, "-0.000123"),
        (123456.7, "123,457"),
        (1e-9, "1.00e-09"),
    ],
)
def test_number__any_size__is_readable(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("days", "text"), [(0.3, "about 1 more day "), (12_345.6, "12,346 more days")]
)
def test_decide__keep_running__counts_whole_days(days, text):
    assert text in decide(evidence(CALM, days_left=days)).reason


def test_decide__all_information_and_no_boundary_passed__says_100_per_cent():
    assert "with 100 % of the planned information" in decide(evidence(CALM, information=1.2)).reason


def test_decide__thirteen_and_a_half_of_fourteen_days__are_thirteen():
    reason = decide(evidence(WINNER, days_running=13.6)).reason

    assert "it has run 13 of at least 14 days" in reason


def test_decide__too_small_to_matter__names_the_bounds_that_say_so():
    calm = replace(CALM, negligible=True, farthest=1.7)

    assert "(at most 1.7 points either way)" in decide(evidence(calm, final=True)).reason


def test_decide__out_of_looks__names_a_treatment_that_is_undecided():
    calm = replace(CALM, variant="calm", negligible=True, p_best=0.9)

    reason = decide(evidence(calm, CALM, final=True)).reason

    assert "double raises" in reason
    assert "calm" not in reason


def test_decide__too_small_but_too_short__says_that_it_ran_too_short():
    calm = replace(CALM, negligible=True)

    decision = decide(evidence(calm, final=True, days_running=8.0))

    assert decision.verdict is Verdict.INCONCLUSIVE
    assert "it has run 8 of at least 14 days" in decision.reason


def test_decide__finished_table__speaks_of_no_looks():
    reason = decide(evidence(CALM, final=True, days_running=None)).reason

    assert reason.startswith("The data allow both")


def test_decide__winner_by_few_teams__says_what_the_draw_alone_says():
    decision = decide(evidence(replace(WINNER, teams=FIVE_TEAMS)))

    assert "5 teams in a variant are too few" in decision.reason
    assert "p = 0.0238" in decision.reason
    assert "at least 6 teams" in decision.would_change
    assert decision.winner is None
    assert decision.arms[0].verdict == "held back"


def test_decide__likeliest_best_is_unsure__ships_one_of_the_tied():
    wild = replace(WINNER, variant="wild", p_best=0.5, regret=0.9)
    one = replace(WINNER, variant="one", p_best=0.3, regret=0.1)
    other = replace(WINNER, variant="other", p_best=0.2, regret=0.15)

    found = decide(evidence(wild, one, other, minimum_effect=2.0))

    assert found.rule == "tie"
    assert found.tied == ("one", "other")
    assert found.winner == "one"
    assert "one raises" in found.reason
