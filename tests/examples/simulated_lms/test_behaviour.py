from collections import Counter

import numpy as np

from examples.simulated_lms.behaviour import DAY_S, Behaviour, SimulatedEvent
from examples.simulated_lms.catalogue import BAD_COURSE, BAD_STEP, COURSES, STEPS_PER_COURSE
from examples.simulated_lms.population import HISTORY_DAYS, build_population


def lived(n_learners: int, seed: int, days: range) -> list[list[SimulatedEvent]]:
    behaviour = Behaviour(build_population(n_learners, seed), seed)
    return [behaviour.live(behaviour.visits(day)) for day in days]


def active_days(days: list[list[SimulatedEvent]], n_learners: int) -> np.ndarray:
    counts = np.zeros(n_learners)
    for events in days:
        counts[[event.learner for event in events if event.kind == "session_started"]] += 1
    return counts


def test_behaviour__same_seed__same_events():
    assert lived(200, 3, range(-28, 0)) == lived(200, 3, range(-28, 0))


def test_behaviour__other_seed__other_events():
    assert lived(200, 3, range(-28, -20)) != lived(200, 4, range(-28, -20))


def test_behaviour__events_of_a_day__are_in_order_and_within_it():
    for events in lived(300, 1, range(-28, 0)):
        seconds = [event.second for event in events]
        assert seconds == sorted(seconds)
        assert all(0 <= second < DAY_S for second in seconds)


def test_behaviour__before_joining__nothing_happens():
    behaviour = Behaviour(build_population(1_000, 2), 2)
    joined = behaviour.population.joined_day
    for day in range(-28, 21):
        events = behaviour.live(behaviour.visits(day))
        assert all(joined[event.learner] <= day for event in events)


def test_behaviour__history__predicts_later_engagement():
    days = lived(3_000, 1, range(-28, 28))

    before = active_days(days[:HISTORY_DAYS], 3_000)
    after = active_days(days[HISTORY_DAYS:], 3_000)

    assert np.corrcoef(before, after)[0, 1] > 0.6


def test_behaviour__bad_step__loses_more_learners_than_any_other():
    done = {
        (event.learner, event.properties["course"], event.properties["step"])
        for events in lived(2_000, 1, range(-28, 56))
        for event in events
        if event.kind == "course_progressed"
    }
    reached = Counter((course, step) for _, course, step in done)

    lost = {
        (course, step): 1 - reached[course, step + 1] / reached[course, step]
        for course in COURSES[:5]
        for step in range(1, STEPS_PER_COURSE)
    }

    assert max(lost, key=lambda place: lost[place]) == (BAD_COURSE, BAD_STEP)
    assert lost[BAD_COURSE, BAD_STEP] > 0.4


def test_behaviour__sales__grow_with_skill():
    people = build_population(3_000, 1)
    counts = np.zeros(3_000)
    for events in lived(3_000, 1, range(-28, 28)):
        for event in events:
            counts[event.learner] += event.kind == "sale"

    skilled = people.skill > 0

    assert counts[skilled].mean() > 1.5 * counts[~skilled].mean()
