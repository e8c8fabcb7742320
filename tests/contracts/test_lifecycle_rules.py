"""Paused, held out, kept, shipped: the official SDKs follow the rules that the server compiles."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from assignment import parse_payload
from experiment_server.delivery.protect import plain_growthbook
from experiment_server.experiments.delivered import compile_delivered
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.holdouts.models import Holdout
from tests.contracts.peers import JavaScriptPeer, ask_ours, ask_python, javascript_sdk

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LEARNERS = [
    {"id": f"learner-{number}", "team": f"team-{number % 90}", "role": ("sales", "it")[number % 2]}
    for number in range(1_500)
]


@dataclass(frozen=True)
class Case:
    """Where an experiment stands, and its design."""

    state: str = "running"
    rule: str | None = None
    variant: str | None = None
    unit_kind: str = "learner"
    held_out_by: str | None = "learner"


CASES = {
    "running": Case(),
    "running-teams": Case(unit_kind="team", held_out_by="team"),
    "paused": Case("paused"),
    "kept": Case("stopped", "keep"),
    "kept-teams": Case("stopped", "keep", unit_kind="team"),
    "shipped": Case("stopped", "ship", "b"),
    "reverted": Case("stopped"),
}


def feature_of(case):
    variants = [
        {"key": key, "title": key, "weight": weight, "payload": {"arm": key}}
        for key, weight in (("control", 0.5), ("a", 0.2), ("b", 0.3))
    ]
    design = {
        "unit_kind": case.unit_kind,
        "variants": variants,
        "coverage": 0.8,
        "condition": {"role": "sales"},
        "namespace": {"name": "onboarding", "low": 0.1, "high": 0.9},
        "forced": {"learner-3": "a"} if case.unit_kind == "learner" else {},
        "factors": [],
        "crossover": None,
        "allocation": None,
    }
    experiment = Experiment(
        environment_id=1,
        key="ladder",
        title="Ladder",
        domain="incentive",
        unit_kind=case.unit_kind,
        state=case.state,
        variants=variants,
        metrics=[],
        previews={"learner-7": "b"},
        after={"rule": case.rule, "variant": case.variant} if case.rule else None,
        phase=1,
        created_at=NOW,
        updated_at=NOW,
    )
    phase = ExperimentPhase(
        experiment_id=1, number=1, seed="ladder:1", started_at=NOW, design=design
    )
    holdout = Holdout(
        environment_id=1,
        key="q4",
        title="Q4",
        unit_kind=case.held_out_by,
        share=0.2,
        seed="holdout:q4:1",
        started_at=NOW,
        created_at=NOW,
        updated_at=NOW,
    )
    return compile_delivered(experiment, phase, [holdout])


def payload_of(case):
    whole = {"features": {"ladder": feature_of(case)}, "savedGroups": {}, "dateUpdated": "x"}
    return whole, plain_growthbook(whole)


ASKS = [("ladder", learner) for learner in LEARNERS]


@pytest.fixture(scope="module")
def javascript():
    with JavaScriptPeer(javascript_sdk()) as peer:
        yield peer


@pytest.mark.parametrize("name", CASES)
def test_rules__asked_by_the_python_sdk__say_the_same(name):
    whole, theirs = payload_of(CASES[name])

    assert ask_python(theirs, ASKS) == ask_ours(parse_payload(whole), ASKS)


@pytest.mark.parametrize("name", CASES)
def test_rules__asked_by_the_javascript_sdk__say_the_same(javascript, name):
    whole, theirs = payload_of(CASES[name])

    assert javascript.ask(theirs, ASKS) == ask_ours(parse_payload(whole), ASKS)


@pytest.mark.parametrize("name", ["kept", "kept-teams"])
def test_kept__gives_each_unit_what_it_had_and_shares_nobody_out(name):
    running = replace(CASES[name], state="running", rule=None)

    before = ask_ours(parse_payload(payload_of(running)[0]), ASKS)
    after = ask_ours(parse_payload(payload_of(CASES[name])[0]), ASKS)

    previewed = 7  # only while it runs
    assert [one.value for one in after[:previewed]] == [one.value for one in before[:previewed]]
    assert [one.value for one in after[previewed + 1 :]] == [
        one.value for one in before[previewed + 1 :]
    ]
    assert {one.value["arm"] for one in after} == {"control", "a", "b"}
    assert any(one.variant for one in before)
    assert not any(one.variant for one in after)
