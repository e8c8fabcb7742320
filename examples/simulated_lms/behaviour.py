"""How the learners live, day by day: visits, lapses, courses, challenges, rewards, peers, sales.

``Behaviour`` is a pure simulation. It asks nobody for variants: whoever drives it says which
learners have met which treatment, and from then on those learners behave accordingly. Each day has
random numbers of its own, drawn for all learners whatever the variants, so that a run repeats.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .catalogue import (
    BAD_COURSE,
    BAD_STEP,
    CHALLENGES,
    COURSES,
    GIVE_UP_AT_BAD_STEP,
    GIVE_UP_ELSEWHERE,
    MESSAGES,
    REWARD_COSTS,
    REWARDS,
    STEPS_PER_COURSE,
    TOPICS,
)
from .effects import Effect
from .population import Floats, Integers, Population, sales_factors

Booleans = NDArray[np.bool_]

DAY_S: Final = 86_400
WEEK_RHYTHM: Final = (0.25, 0.2, 0.15, 0.1, 0.0, -0.6, -0.7)  # log-odds, by day of the program week
VISIT_LOGIT: Final = -1.6  # of an average learner on an average day
VISIT_SPREAD: Final = 1.4  # how much motivation matters
FRESH_LOGIT: Final = 0.8  # a new learner is curious, and less so each week
LAPSE_HAZARD: Final = 0.003  # a day
LAPSED_AT_FIRST: Final = 0.10  # share
RETURN_HAZARD: Final = 0.012  # a day
PEER_KINDS: Final = ("peer_post", "peer_comment", "peer_reaction", "recognition_given")
PEER_SHARES: Final = (0.15, 0.30, 0.40, 0.15)
SALES_A_DAY: Final = 0.05
NUDGE_AFTER_DAYS: Final = 7  # without a visit


@dataclass(frozen=True)
class SimulatedEvent:
    """One thing that happened on one day."""

    kind: str
    learner: int  # index in the population
    second: int  # of the day
    value: float | None = None
    properties: dict[str, Any] | None = None


@dataclass
class Behaviour:
    """The learners' state of mind; ``visits`` and ``live`` are called once a day, in order."""

    population: Population
    seed: int
    lapsed: Booleans = field(init=False)
    last_visit: Integers = field(init=False)
    course: Integers = field(init=False)
    step: Integers = field(init=False)  # the next one to do, from 1
    habit: Floats = field(init=False)  # moving average of visits, 0-1
    visit_logit: Floats = field(init=False)
    lapse_factor: Floats = field(init=False)
    progress_factor: Floats = field(init=False)
    claim_logit: Floats = field(init=False)
    offer_factor: Floats = field(init=False)
    peer_factor: Floats = field(init=False)
    open_logit: Floats = field(init=False)

    def __post_init__(self) -> None:
        n = self.population.n_learners
        rng = np.random.default_rng([self.seed, 1])
        self.lapsed = rng.random(n) < LAPSED_AT_FIRST
        self.last_visit = np.full(n, -10_000, dtype=np.int64)
        self.course = rng.integers(0, 4, n)
        self.course[self.population.joined_day >= -28] = 0
        self.lapsed[self.population.joined_day >= -28] = False
        self.step = np.ones(n, dtype=np.int64)
        self.habit = np.zeros(n)
        for name in ("visit_logit", "claim_logit", "open_logit"):
            setattr(self, name, np.zeros(n))
        for name in ("lapse_factor", "progress_factor", "offer_factor", "peer_factor"):
            setattr(self, name, np.ones(n))

    def meet(self, learner: int, effect: Effect) -> None:
        """From now on this learner lives under a variant with this effect, besides others."""
        self.visit_logit[learner] += effect.visit_logit
        self.claim_logit[learner] += effect.claim_logit
        self.open_logit[learner] += effect.open_logit
        self.lapse_factor[learner] *= effect.lapse_factor
        self.progress_factor[learner] *= effect.progress_factor
        self.offer_factor[learner] *= effect.offer_factor
        self.peer_factor[learner] *= effect.peer_factor

    def visits(self, day: int) -> "Visits":
        """Who comes on this day, and when; also who is nudged and who opens the nudge."""
        rng = self._dice(day, 0)
        people = self.population
        n = people.n_learners
        joined = people.joined_day <= day
        self._lapse_and_return(rng)
        fresh = np.exp(-np.maximum(day - people.joined_day, 0) / 14)
        logit = (
            VISIT_LOGIT
            + VISIT_SPREAD * people.motivation
            + WEEK_RHYTHM[day % 7]
            + FRESH_LOGIT * fresh
            + self.visit_logit
        )
        here = joined & (rng.random(n) < _chance(logit) * ~self.lapsed)
        away = day - np.maximum(self.last_visit, people.joined_day)
        nudged = joined & (away >= NUDGE_AFTER_DAYS) & (away % 7 == NUDGE_AFTER_DAYS % 7)
        nudged &= away < 35
        opened = nudged & (
            rng.random(n) < _chance(-1.6 + 0.4 * people.motivation + self.open_logit)
        )
        self.lapsed &= ~opened
        second = (7 * 3600 + rng.beta(2, 2.5, n) * 12 * 3600).astype(np.int64)
        return Visits(day=day, here=here | opened, second=second, nudged=nudged, opened=opened)

    def live(self, visits: "Visits") -> list[SimulatedEvent]:
        """What happens on the day of these visits, in order of time."""
        rng = self._dice(visits.day, 1)
        who = np.flatnonzero(visits.here)
        events = [
            *self._messages(visits),
            *self._content(visits, who, rng),
            *self._courses(visits, who, rng),
            *self._challenges(visits, who, rng),
            *self._peers(visits, who, rng),
            *self._sales(visits.day, rng),
        ]
        self.last_visit[who] = visits.day
        self.habit += 0.1 * (visits.here - self.habit)
        events.sort(key=lambda event: event.second)
        return events

    def _dice(self, day: int, part: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, 2, day + 1_000, part])

    def _lapse_and_return(self, rng: np.random.Generator) -> None:
        motivation = self.population.motivation
        n = self.population.n_learners
        hazard = LAPSE_HAZARD * np.exp(-0.6 * motivation) * self.lapse_factor
        lapse = rng.random(n) < hazard
        back = rng.random(n) < RETURN_HAZARD * np.exp(0.3 * motivation)
        self.lapsed = np.where(self.lapsed, ~back, lapse)

    def _messages(self, visits: "Visits") -> Iterator[SimulatedEvent]:
        for learner in np.flatnonzero(visits.nudged).tolist():
            away = visits.day - max(self.last_visit[learner], self.population.joined_day[learner])
            message = {"activity": MESSAGES[int(away > 2 * NUDGE_AFTER_DAYS)]}
            yield SimulatedEvent("message_sent", learner, 6 * 3600, properties=message)
            if visits.opened[learner]:
                second = int(visits.second[learner])
                yield SimulatedEvent("message_opened", learner, second, properties=message)

    def _content(
        self, visits: "Visits", who: Integers, rng: np.random.Generator
    ) -> Iterator[SimulatedEvent]:
        n_views = rng.poisson(0.5, self.population.n_learners)
        topics = rng.integers(0, len(TOPICS), self.population.n_learners)
        for learner in who.tolist():
            second = int(visits.second[learner])
            yield SimulatedEvent("session_started", learner, second)
            topic = TOPICS[topics[learner]]
            for view in range(int(n_views[learner])):
                properties = {"activity": f"{topic}-page-{view + 1}", "topic": topic}
                yield SimulatedEvent(
                    "content_viewed", learner, second + 60 + 90 * view, None, properties
                )

    def _courses(
        self, visits: "Visits", who: Integers, rng: np.random.Generator
    ) -> Iterator[SimulatedEvent]:
        n = self.population.n_learners
        odds = np.exp(0.2 + 0.3 * self.population.motivation) * self.progress_factor
        does_step = rng.random(n) < odds / (1 + odds)
        gives_up = rng.random(n)
        for learner in who.tolist():
            course, step = int(self.course[learner]), int(self.step[learner])
            if not does_step[learner] or course >= len(COURSES):
                continue
            name = COURSES[course]
            second = int(visits.second[learner]) + 600
            properties = {"course": name, "step": step, "activity": f"{name}-{step}"}
            yield SimulatedEvent("course_progressed", learner, second, 1.0, properties)
            finished = step == STEPS_PER_COURSE
            if finished:
                whole = {"course": name}
                yield SimulatedEvent("course_completed", learner, second + 60, None, whole)
            if finished or gives_up[learner] < _give_up_chance(name, step):
                self.course[learner], self.step[learner] = course + 1, 1
            else:
                self.step[learner] = step + 1

    def _challenges(
        self, visits: "Visits", who: Integers, rng: np.random.Generator
    ) -> Iterator[SimulatedEvent]:
        people = self.population
        n = people.n_learners
        starts = rng.random(n) < _chance(-0.2 + 0.3 * people.motivation)
        finishes = rng.random(n) < 0.75
        which = rng.integers(0, len(CHALLENGES), n)
        results = np.round(np.clip(rng.normal(72 + 6 * people.skill, 12), 0, 100))
        odds = 1.2 * self.offer_factor
        offered = rng.random(n) < odds / (1 + odds)
        claimed = rng.random(n) < _chance(people.reward_taste + self.claim_logit)
        reward = rng.integers(0, len(REWARDS), n)
        for learner in who[starts[who]].tolist():
            second = int(visits.second[learner]) + 1_200
            name = CHALLENGES[which[learner]]
            properties = {"activity": name, "topic": name.partition("-")[0]}
            yield SimulatedEvent("challenge_started", learner, second, None, properties)
            if not finishes[learner]:
                continue
            value = float(results[learner])
            yield SimulatedEvent("challenge_completed", learner, second + 300, value, properties)
            if not offered[learner]:
                continue
            prize = {"activity": REWARDS[reward[learner]]}
            yield SimulatedEvent("reward_offered", learner, second + 310, None, prize)
            if claimed[learner]:
                cost = REWARD_COSTS[reward[learner]]
                yield SimulatedEvent("reward_claimed", learner, second + 330, cost, prize)

    def _peers(
        self, visits: "Visits", who: Integers, rng: np.random.Generator
    ) -> Iterator[SimulatedEvent]:
        people = self.population
        n = people.n_learners
        n_acts = rng.poisson(0.35 * people.sociability * self.peer_factor)
        kinds = rng.choice(len(PEER_KINDS), (n, 3), p=PEER_SHARES)
        for learner in who[n_acts[who] > 0].tolist():
            second = int(visits.second[learner]) + 1_800
            for act in range(min(int(n_acts[learner]), 3)):
                yield SimulatedEvent(PEER_KINDS[kinds[learner, act]], learner, second + 45 * act)

    def _sales(self, day: int, rng: np.random.Generator) -> Iterator[SimulatedEvent]:
        people = self.population
        working = people.joined_day <= day
        rate = SALES_A_DAY * sales_factors(people) * (1 + 0.5 * self.habit) * working
        n_sales = rng.poisson(rate)
        amounts = np.round(rng.lognormal(4.0, 0.5, people.n_learners), 2)
        seconds = rng.integers(9 * 3600, 18 * 3600, people.n_learners)
        for learner in np.flatnonzero(n_sales).tolist():
            for sale in range(int(n_sales[learner])):
                second = int(seconds[learner]) + 120 * sale
                yield SimulatedEvent("sale", learner, second, float(amounts[learner]))


@dataclass(frozen=True)
class Visits:
    """Who comes on one day; arrays are aligned with the population."""

    day: int
    here: Booleans
    second: Integers  # of the day, when the visit begins
    nudged: Booleans  # was sent a message
    opened: Booleans  # opened it, which is a visit


def _chance(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-logit))


def _give_up_chance(course: str, step: int) -> float:
    """The chance that who has done this step leaves the course there."""
    if (course, step) == (BAD_COURSE, BAD_STEP):
        return GIVE_UP_AT_BAD_STEP
    return GIVE_UP_ELSEWHERE
