import numpy as np
import pytest

from examples.simulated_lms.behaviour import Behaviour
from examples.simulated_lms.effects import EXPERIMENTS, Effect
from examples.simulated_lms.population import build_population

N_LEARNERS = 2_000
DAYS = range(-28, 28)


def engagement_of_everyone_under(effect: Effect) -> tuple[float, list[object]]:
    """Mean engagement in the 28 live days when all learners meet the effect on day 0."""
    behaviour = Behaviour(build_population(N_LEARNERS, 5), 5)
    per_learner = np.zeros(N_LEARNERS)
    everything: list[object] = []
    for day in DAYS:
        if day == 0:
            for learner in range(N_LEARNERS):
                behaviour.meet(learner, effect)
        for event in behaviour.live(behaviour.visits(day)):
            everything.append(event)
            if day >= 0 and event.kind not in ("sale", "message_sent", "reward_offered"):
                per_learner[event.learner] += 1
    return float(per_learner.mean()), everything


@pytest.fixture(scope="module")
def untouched():
    return engagement_of_everyone_under(Effect())


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.key)
def test_effect__of_each_treatment__moves_engagement_as_its_truth_says(experiment, untouched):
    mean, events = engagement_of_everyone_under(experiment.effect)
    relative = mean / untouched[0] - 1

    if experiment.truth == "none":
        assert events == untouched[1]
    elif experiment.truth == "better":
        assert 0.05 < relative < 0.6
    else:
        assert -0.6 < relative < -0.05


def test_experiments__together__cover_four_domains_and_all_truths():
    assert [experiment.domain for experiment in EXPERIMENTS] == [
        "incentive",
        "challenge_format",
        "sequencing",
        "messaging",
    ]
    assert {experiment.truth for experiment in EXPERIMENTS} == {"better", "none", "worse"}
    assert [e.key for e in EXPERIMENTS if e.unit_kind == "team"] == ["manager-nudge"]
