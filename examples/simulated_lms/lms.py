"""The simulated platform's side of the talk: it knows Momentum through the SDK only.

The variants that learners live under are the SDK's answers, never the simulation's own choice.
"""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from momentum_sdk import Momentum

from .behaviour import Behaviour, Visits
from .effects import EXPERIMENTS
from .flags import FLAGS
from .population import HISTORY_DAYS, LIVE_DAYS, Population, build_population


def open_client(base_url: str, key: str) -> Momentum:
    """An SDK client of an importer: it waits for room rather than dropping, and knows what runs.

    Raises:
        ConnectionError: the server gave no definitions.
    """
    momentum = Momentum(
        base_url,
        key,
        batch_size=1_000,
        queue_size=20_000,
        block_when_full_s=120.0,
        request_timeout_s=60.0,
    )
    if not momentum.ready(timeout_s=30.0):
        momentum.close(timeout_s=0.0)
        raise ConnectionError(f"{base_url} gave no definitions; see the server's log")
    return momentum


def build_lms(n_learners: int, seed: int, start: date) -> "SimulatedLms":
    """A platform with that many learners, whose experiments begin on ``start`` at 00:00 UTC."""
    return SimulatedLms(build_population(n_learners, seed), seed, start)


class SimulatedLms:
    """A learning platform that asks for variants and reports what its learners do."""

    experiments = EXPERIMENTS
    flags = FLAGS

    def __init__(self, population: Population, seed: int, start: date) -> None:
        """Open the platform for these people; ``seed`` is of their days."""
        self.population = population
        self.behaviour = Behaviour(population, seed)
        self.start = datetime.combine(start, time(), tzinfo=UTC)
        self.met = np.zeros(population.n_learners, dtype=np.bool_)
        self.n_events = 0
        self.n_exposures = 0
        self.n_shown = dict.fromkeys((flag.key for flag in FLAGS), 0)  # learners who get it

    def describe_learners(self, momentum: Momentum) -> None:
        """Tell Momentum who the learners are, as of the day before the history begins."""
        told_at = self.start - timedelta(days=HISTORY_DAYS + 1)
        for index, learner in enumerate(self.population.ids):
            started_on = self.start + timedelta(days=int(self.population.joined_day[index]))
            attributes = self.population.attributes(index)
            attributes["started_on"] = started_on.date().isoformat()
            momentum.identify(learner, attributes, at=told_at)

    def history_days(self) -> range:
        """The days before the experiments, to be lived in order."""
        return range(-HISTORY_DAYS, 0)

    def live_days(self) -> range:
        """The days from the experiments' start, to be lived in order."""
        return range(LIVE_DAYS)

    def live_day(self, momentum: Momentum, day: int) -> None:
        """Live one day: ask for variants at first visits, then report what happened."""
        visits = self.behaviour.visits(day)
        if day >= 0:
            for index in np.flatnonzero(visits.here & ~self.met).tolist():
                self._meet_experiments(momentum, index, visits)
        midnight = self.start + timedelta(days=day)
        for event in self.behaviour.live(visits):
            momentum.track(
                event.kind,
                self.population.ids[event.learner],
                value=event.value,
                properties=event.properties,
                at=midnight + timedelta(seconds=event.second),
            )
            self.n_events += 1

    def _meet_experiments(self, momentum: Momentum, index: int, visits: Visits) -> None:
        """Ask for the flags and the four variants at a learner's first visit since the start."""
        self.met[index] = True
        at = self.start + timedelta(days=visits.day, seconds=int(visits.second[index]))
        attributes = self.population.attributes(index)
        for flag in FLAGS:
            is_shown = momentum.is_on(flag.key, self.population.ids[index], attributes)
            self.n_shown[flag.key] += is_shown
        for experiment in EXPERIMENTS:
            variant = momentum.variant(
                experiment.key, self.population.ids[index], attributes, at=at
            )
            if not variant.in_experiment:
                raise RuntimeError(
                    f"{experiment.key}: {self.population.ids[index]} got no variant "
                    f"({variant.reason}); the simulation needs every experiment to be running"
                )
            self.n_exposures += 1
            if variant.key == experiment.treatment:
                self.behaviour.meet(index, experiment.effect)
