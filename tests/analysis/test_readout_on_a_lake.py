import json

import numpy as np
import pytest

from analysis.energize.norms import starting_norms
from analysis.lake.compact import compact_all, vacuum_all
from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.read import run_readout
from analysis.results import Readout, Verdict
from tests.analysis.lakes import START, day, event, exposure, write_lake

SCORE = MetricPlan("energize", "Energize Score", "score", "primary", minimum_effect=6.0)


@pytest.fixture(scope="module", params=["learner", "team"])
def lived(request, tmp_path_factory):
    """Eight weeks of 240 learners in 24 teams; the treated come back twice as often."""
    rng = np.random.default_rng(1)
    events, exposures = [], []
    by_team = request.param == "team"
    for i in range(240):
        learner, team = f"l{i}", i % 24
        treated = bool((team if by_team else i // 24) % 2)
        exposures.append(
            exposure(
                learner,
                "double" if treated else "control",
                day(rng.uniform(0, 7)),
                **({"unit": f"team{team}"} if by_team else {}),
            )
        )
        habit = rng.gamma(4, 1.5)
        for low, high, pace in ((-28, 0, 1.0), (0, 40, 2.0 if treated else 1.0)):
            n = rng.poisson(habit * pace * (high - low) / 28)
            events += [
                event(learner, kind, day(at))
                for kind, at in zip(
                    rng.choice(["session_started", "challenge_completed", "peer_post"], n),
                    rng.uniform(low, high, n),
                    strict=True,
                )
            ]
    root = str(tmp_path_factory.mktemp("lake"))
    lake = write_lake(root, events=events, exposures=exposures)
    plan = AnalysisPlan(
        experiment="points",
        title="Double points",
        domain="incentive",
        unit_kind=request.param,
        variants=("control", "double"),
        weights=(0.5, 0.5),
        metrics=(SCORE,),
        started_at=START,
        as_of=day(40),
        final=True,
        score_version="v1",
        lake_version=lake.version,
    )
    return plan, lake, starting_norms(START)


def test_readout__a_lake_with_a_clear_effect__ships_and_splits_it(lived):
    plan, lake, norms = lived

    found = run_readout(plan, lake, norms)

    assert found.decision.verdict is Verdict.SHIP
    split = sum(part.effect for part in found.component_splits[0].components)
    assert split == pytest.approx(found.primary.estimates[0].effect, abs=1e-8)
    assert found.trend[-1].effect == pytest.approx(found.primary.estimates[0].effect)


def test_readout__read_again_at_the_same_lake_version__is_the_same_to_the_digit(lived):
    plan, lake, norms = lived

    first = run_readout(plan, lake, norms)
    again = run_readout(plan, Lake.open(lake.root, lake.version), norms)

    assert again == first
    assert Readout.from_json(json.loads(json.dumps(first.to_json(), allow_nan=False))) == first


def test_readout__its_lake_was_written_and_tidied_since__is_computed_again_to_the_digit(lived):
    plan, lake, norms = lived
    first = run_readout(plan, lake, norms)

    late = [event(f"l{n}", "challenge_completed", day(3 + n / 240)) for n in range(240)]
    now = write_lake(lake.root, events=late, exposures=[exposure("new", "double", day(1))])
    compact_all(lake.root, min_files=1)
    vacuum_all(lake.root, [plan.lake_version, now.version], keep_days=0)

    again = run_readout(plan, Lake.open(lake.root, plan.lake_version), norms)
    later = run_readout(plan, now, norms)
    assert again == first
    assert later.primary.estimates != first.primary.estimates
