from types import SimpleNamespace

import pytest

from analysis.results import (
    Decision,
    Estimate,
    MetricResult,
    NotEstimable,
    Posterior,
    Readout,
    Relative,
    Verdict,
)
from experiment_server.demo.outcome import compare


def readout(verdict: Verdict, estimate: Estimate | NotEstimable) -> Readout:
    return Readout(
        experiment="streak-bonus",
        title="Streak bonus",
        domain="incentive",
        unit_kind="learner",
        variants=("a", "b"),
        control="a",
        as_of="2026-05-01T00:00:00+00:00",
        look=4,
        looks_planned=4,
        plan_fingerprint="",
        lake_version={},
        definition_version=1,
        score_version="1",
        n_exposed={},
        n_mature={},
        decision=Decision(verdict, "Because.", "winner", "Nothing."),
        metrics=(
            MetricResult(
                "energize_score",
                "Energize Score",
                "primary",
                "increase",
                "points",
                2.0,
                (estimate,),
            ),
        ),
        checks=(),
        sequential=None,
    )


ESTIMATE = Estimate(
    metric="energize_score",
    variant="b",
    control="a",
    method="cuped",
    n=10,
    n_control=10,
    n_learners=10,
    n_learners_control=10,
    mean=54.0,
    mean_control=50.0,
    effect=4.0,
    se=0.5,
    df=18.0,
    low=2.96,
    high=5.04,
    p_value=0.001,
    relative=Relative(None, None, None),
    posterior=Posterior(4.0, 0.5, 3.0, 5.0, 0.99, 0.9, 0.0, 8.0),
)
PLANTED = SimpleNamespace(
    key="streak-bonus", domain="incentive", unit_kind="learner", truth="better"
)


@pytest.mark.parametrize(
    ("truth", "verdict", "agrees"),
    [
        ("better", Verdict.SHIP, True),
        ("better", Verdict.KEEP_RUNNING, False),
        ("better", Verdict.ROLL_BACK, False),
        ("none", Verdict.NO_MEANINGFUL_DIFFERENCE, True),
        ("none", Verdict.INCONCLUSIVE, False),
        ("none", Verdict.SHIP, False),
        ("worse", Verdict.ROLL_BACK, True),
        ("worse", Verdict.DO_NOT_USE, False),
    ],
)
def test_compare__truth_and_verdict__agree_in_one_way_only(truth, verdict, agrees):
    planted = SimpleNamespace(**{**vars(PLANTED), "truth": truth})

    comparison = compare(planted, readout(verdict, ESTIMATE))

    assert comparison.agrees is agrees
    assert comparison.to_json() == {
        "key": "streak-bonus",
        "domain": "incentive",
        "unit": "learner",
        "truth": truth,
        "decision": str(verdict),
        "agrees": agrees,
    }


def test_compare__estimate__is_said_with_its_interval():
    assert compare(PLANTED, readout(Verdict.SHIP, ESTIMATE)).estimate == "+4.00\n+2.96 to +5.04"


def test_compare__nothing_estimable__says_why():
    nothing = NotEstimable("nobody was exposed", "expose learners")

    comparison = compare(PLANTED, readout(Verdict.DO_NOT_USE, nothing))

    assert comparison.estimate == "nobody was exposed"
    assert not comparison.agrees
