from dataclasses import replace

import pytest

from analysis.decide import RULES, Evidence, Treatment, decide, number
from analysis.results import CheckResult, Verdict

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


CASES = [
    ("validity-failed", evidence(WINNER, checks=(BROKEN,)), Verdict.DO_NOT_USE),
    (
        "guardrail-harmed",
        evidence(replace(WINNER, guardrails_harmed=("Sales",))),
        Verdict.ROLL_BACK,
    ),
    ("primary-harmed", evidence(LOSER), Verdict.ROLL_BACK),
    ("primary-harmed", evidence(replace(CALM, harmed=True)), Verdict.ROLL_BACK),
    ("primary-harmed", evidence(CALM, LOSER), Verdict.ROLL_BACK),
    ("winner", evidence(WINNER), Verdict.SHIP),
    ("winner", evidence(WINNER, LOSER), Verdict.SHIP),
    ("winner", evidence(WINNER, checks=(WARNED,)), Verdict.SHIP),
    ("winner-too-early", evidence(WINNER, days_running=8.0), Verdict.KEEP_RUNNING),
    ("winner-too-early", evidence(WINNER, ad_hoc=True), Verdict.KEEP_RUNNING),
    ("winner-too-early", evidence(replace(WINNER, p_better=0.97)), Verdict.KEEP_RUNNING),
    (
        "winner-in-doubt",
        evidence(replace(WINNER, guardrails_worse=("Sales",)), final=True),
        Verdict.INCONCLUSIVE,
    ),
    ("nothing-to-estimate-yet", evidence(), Verdict.KEEP_RUNNING),
    ("nothing-to-estimate", evidence(final=True), Verdict.INCONCLUSIVE),
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
    ("out-of-looks", evidence(CALM, final=True), Verdict.INCONCLUSIVE),
    ("keep-running", evidence(CALM), Verdict.KEEP_RUNNING),
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

    decision = decide(evidence(replace(WINNER, p_best=0.4), second))

    assert decision.winner == "triple"
    assert "double is close behind" in decision.reason


def test_decide__harmful_sibling__is_taken_out_in_the_reason():
    assert "take harmful out" in decide(evidence(WINNER, LOSER)).reason


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
