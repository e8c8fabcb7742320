from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import numpy as np
import pytest

from examples.simulated_lms.effects import EXPERIMENTS
from examples.simulated_lms.lms import SimulatedLms, build_lms

START = date(2026, 3, 2)


class Answer(NamedTuple):
    key: str
    in_experiment: bool = True
    reason: str = "experiment"


class ListeningMomentum:
    """Stands where the SDK stands: writes down what it is told, and treats everyone or nobody."""

    def __init__(self, *, treat: bool = False, running: bool = True) -> None:
        self.treat = treat
        self.running = running
        self.exposures: list[tuple[str, str, dict[str, str], datetime]] = []
        self.asked_flags: list[tuple[str, str]] = []
        self.events: list[tuple[str, str, datetime, Any, Any]] = []
        self.described: dict[str, tuple[dict[str, str], datetime]] = {}

    def variant(self, experiment, learner, attributes, *, at):
        self.exposures.append((experiment, learner, attributes, at))
        planted = next(one for one in EXPERIMENTS if one.key == experiment)
        return Answer(planted.treatment if self.treat else planted.control, self.running)

    def is_on(self, flag, learner, _attributes):
        self.asked_flags.append((flag, learner))
        return flag == "leaderboard"

    def track(self, kind, learner, value=None, properties=None, at=None):
        self.events.append((kind, learner, at, value, properties))

    def identify(self, learner, attributes, at=None):
        self.described[learner] = (attributes, at)


def lived(momentum: ListeningMomentum, n_learners: int = 300) -> SimulatedLms:
    lms = build_lms(n_learners, 4, START)
    for day in (*lms.history_days(), *lms.live_days()):
        lms.live_day(momentum, day)
    return lms


def test_lms__history__asks_for_no_variant():
    momentum = ListeningMomentum()
    lms = build_lms(300, 4, START)

    for day in lms.history_days():
        lms.live_day(momentum, day)

    assert momentum.exposures == []
    assert lms.n_events == len(momentum.events) > 0
    assert max(at for _, _, at, _, _ in momentum.events) < datetime(2026, 3, 2, tzinfo=UTC)


def test_lms__each_learner__asks_once_for_each_experiment_at_the_first_visit():
    momentum = ListeningMomentum()
    lms = lived(momentum)

    start = datetime(2026, 3, 2, tzinfo=UTC)
    visits: dict[str, datetime] = {}
    for kind, learner, at, _, _ in momentum.events:
        if kind == "session_started" and at >= start:
            visits.setdefault(learner, at)
    asked = {(learner, experiment): at for experiment, learner, _, at in momentum.exposures}

    assert len(momentum.exposures) == len(asked) == 4 * len(visits) == lms.n_exposures
    assert all(at == visits[learner] for (learner, _), at in asked.items())


def test_lms__each_learner__asks_for_both_flags_at_the_first_visit():
    momentum = ListeningMomentum()
    lms = lived(momentum, 100)

    n_met = len({learner for _, learner, _, _ in momentum.exposures})

    assert len(set(momentum.asked_flags)) == len(momentum.asked_flags) == 2 * n_met
    assert lms.n_shown == {"leaderboard": n_met, "weekly-digest": 0}


def test_lms__asking__names_the_team():
    momentum = ListeningMomentum()
    lms = lived(momentum, 100)

    by_learner = dict(zip(lms.population.ids, lms.population.team_ids, strict=True))

    assert all(told["team"] == by_learner[who] for _, who, told, _ in momentum.exposures)


def test_lms__what_the_sdk_answers__is_what_learners_live_under():
    treated, untreated = ListeningMomentum(treat=True), ListeningMomentum(treat=False)
    under_treatment, under_control = lived(treated), lived(untreated)

    assert not np.array_equal(
        under_treatment.behaviour.visit_logit, under_control.behaviour.visit_logit
    )
    assert not under_control.behaviour.visit_logit.any()


def test_lms__experiment_not_running__is_said_at_once():
    with pytest.raises(RuntimeError, match=r"streak-bonus: learner-4-.* got no variant"):
        lived(ListeningMomentum(running=False))


def test_lms__describing__dates_it_before_the_history_and_tells_the_first_day():
    momentum = ListeningMomentum()
    lms = build_lms(300, 4, START)

    lms.describe_learners(momentum)

    assert set(momentum.described) == set(lms.population.ids)
    for attributes, at in momentum.described.values():
        assert at < datetime(2026, 2, 2, tzinfo=UTC)
        assert set(attributes) == {"role", "region", "team", "started_on"}
        date.fromisoformat(attributes["started_on"])
