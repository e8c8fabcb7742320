"""`assignment.bulk` says what `evaluate` says, of whatever the server delivers."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from assignment import AssignmentError, evaluate, parse_payload
from assignment.bulk import assign
from experiment_server.experiments.delivered import compile_delivered
from experiment_server.experiments.design import compile_groups
from experiment_server.experiments.designs.kind import Moment
from experiment_server.experiments.models import Experiment, ExperimentPhase
from experiment_server.holdouts.models import Holdout

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEED = "ladder:1"
UNITS = [f"unit-{number}" for number in range(5_000)]
VARIANTS = [
    {"key": key, "title": key, "weight": weight, "payload": key}
    for key, weight in (("control", 0.5), ("a", 0.2), ("b", 0.3))
]


@dataclass(frozen=True)
class Case:
    """What stands before the split, and around it."""

    unit_kind: str = "learner"
    coverage: float = 1.0
    condition: dict = field(default_factory=dict)
    namespace: dict | None = None
    forced: dict = field(default_factory=dict)
    previews: dict = field(default_factory=dict)
    shares: tuple = ()
    listed: dict = field(default_factory=dict)
    held_out_by: str = "learner"


FORCED = {**dict.fromkeys(UNITS[:40], "b"), **dict.fromkeys(UNITS[40:50], "control")}
LISTED = {"a": UNITS[100:900], "control": UNITS[900:1700], "b": UNITS[30:60]}
EVERYTHING = Case(
    coverage=0.7,
    condition={"role": {"$in": ["seller", "coach"]}},
    namespace={"name": "onboarding", "low": 0.1, "high": 0.9},
    forced=FORCED,
    previews={"unit-7": "a", "unit-4000": "b"},
    shares=(0.1, 0.05),
    listed=LISTED,
)
CASES = {
    "plain": Case(),
    "forced": Case(forced=FORCED),
    "previewed": Case(previews=dict.fromkeys(UNITS[60:90], "a")),
    "held out": Case(shares=(0.1,)),
    "held out twice": Case(shares=(0.1, 0.2), coverage=0.5),
    "stratified": Case(listed=LISTED),
    "stratified and targeted": Case(listed=LISTED, condition={"role": "seller"}),
    "condition on ids": Case(condition={"id": {"$regex": "[0-4]$"}, "role": "seller"}),
    "everything": EVERYTHING,
    "teams": replace(EVERYTHING, unit_kind="team", held_out_by="team", previews={}),
}


def payload_of(case):
    design = {
        "unit_kind": case.unit_kind,
        "variants": VARIANTS,
        "coverage": case.coverage,
        "condition": case.condition,
        "namespace": case.namespace,
        "forced": case.forced,
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
        state="running",
        variants=VARIANTS,
        metrics=[],
        previews=case.previews,
        phase=1,
        created_at=NOW,
        updated_at=NOW,
    )
    phase = ExperimentPhase(experiment_id=1, number=1, seed=SEED, started_at=NOW, design=design)
    holdouts = [
        Holdout(
            environment_id=1,
            key=f"h{number}",
            title="H",
            unit_kind=case.held_out_by,
            share=share,
            seed=f"holdout:h{number}:1",
            started_at=NOW,
            created_at=NOW,
            updated_at=NOW,
        )
        for number, share in enumerate(case.shares)
    ]
    moment = Moment(timedelta(0), case.listed)
    feature = compile_delivered(experiment, phase, holdouts, moment)
    return parse_payload(
        {"features": {"ladder": feature}, "savedGroups": compile_groups(SEED, moment)}
    )


@pytest.mark.parametrize("as_array", [list, np.array, pa.array], ids=["list", "numpy", "Arrow"])
@pytest.mark.parametrize("name", CASES)
def test_assign__of_what_the_server_delivers__is_the_scalar_path(name, as_array):
    payload = payload_of(CASES[name])
    attribute = {"learner": "id", "team": "team"}[CASES[name].unit_kind]
    answers = [evaluate(payload, "ladder", {attribute: u, "role": "seller"}) for u in UNITS]

    assigned = assign(payload, "ladder", as_array(UNITS))

    found = [assigned.variants[code] if code >= 0 else None for code in assigned.codes]
    assert found == [one.variant if one.in_experiment else None for one in answers]


def test_cases__between_them__leave_units_out_for_each_reason():
    payload = payload_of(EVERYTHING)
    reasons = {evaluate(payload, "ladder", {"id": u, "role": "seller"}).reason for u in UNITS}

    assert reasons == {"forced", "preview", "held_out", "not_covered", "split"}


def test_assign__a_holdout_of_teams__is_refused_by_name():
    payload = payload_of(Case(shares=(0.1,), held_out_by="team"))

    with pytest.raises(AssignmentError, match=r"ladder: rule 0 hashes the attribute 'team'"):
        assign(payload, "ladder", UNITS)
