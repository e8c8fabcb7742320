"""The demo's course: history, calibration, eight weeks of experiments, looks, decisions."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import ModuleType
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from experiment_server.demo import definitions, looks
from experiment_server.demo.local_server import LocalServer
from experiment_server.demo.management import ManagementApi
from experiment_server.demo.outcome import Comparison, compare
from experiment_server.state import State

EXPERIMENT_DAYS: Final = 56
WEEK: Final = 7


class LostEventsError(RuntimeError):
    """The SDK could not hand over everything: the decisions would rest on less than was lived."""


@dataclass
class Play:
    """One run of the demo on a running server."""

    server: LocalServer
    state: State  # of this process: the scheduler's own code runs here as well
    access: definitions.Access
    lms: Any  # simulated_lms.lms.SimulatedLms
    lms_module: ModuleType
    console: Console
    timings: dict[str, float] = field(default_factory=dict)

    def run(self) -> list[Comparison]:
        """Live the twelve weeks and decide; what came of each experiment."""
        environment = definitions.ENVIRONMENT
        api = ManagementApi(self.server.base_url, self.access.management_key)
        looks.pause(self.state)
        with self._timed("history_s"):
            self.live(self.lms.history_days(), "history", describe=True)
        with self._timed("calibrate_s"):
            looks.calibrate(self.state, environment, self.lms.start)
            definitions.create_definitions(api, environment, self.lms.experiments)
            definitions.create_flags(api, environment, self.lms.flags)
            definitions.start_experiments(api, environment, self.lms.experiments, self.lms.start)
        with self._timed("live_s"):
            self.live(self.lms.live_days(), "experiments")
        with self._timed("looks_s"):
            self._look()
        with self._timed("validate_s"):
            end = self.lms.start + timedelta(days=EXPERIMENT_DAYS)
            looks.validate(self.state, environment, end)
        readouts = {
            planned.key: looks.last_readout(self.state, environment, planned.key)
            for planned in self.lms.experiments
        }
        return [compare(planned, readouts[planned.key]) for planned in self.lms.experiments]

    def live(self, days: range, part: str, *, describe: bool = False) -> None:
        """Live these days through a fresh SDK client, and see that nothing was lost."""
        key = self.access.server_key
        with (
            self.lms_module.open_client(self.server.base_url, key) as momentum,
            _progress(self.console) as progress,
        ):
            task = progress.add_task("", total=len(days), note="")
            if describe:
                self.lms.describe_learners(momentum)
            for day in days:
                progress.update(
                    task,
                    description=f"{part}, week {(day - days.start) // WEEK + 1}",
                    note=f"{self.lms.n_events:,} events",
                )
                self.lms.live_day(momentum, day)
                progress.advance(task)
            progress.update(task, description=f"{part}, handing over the last events")
            hand_over(momentum)
            progress.update(task, description=part, note=f"{self.lms.n_events:,} events")
        self.server.check_alive()

    def _look(self) -> None:
        with _progress(self.console) as progress:
            total = len(self.lms.experiments) * definitions.LOOKS
            task = progress.add_task("looks", total=total, note="")
            looks.run_due(
                self.state,
                lambda n_done: progress.update(task, completed=n_done, note=f"{n_done} of {total}"),
            )

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.timings[name] = round(time.monotonic() - began, 2)


def start_day(today: date) -> date:
    """The day the experiments begin, so that their eight weeks end as today begins."""
    return today - timedelta(days=EXPERIMENT_DAYS)


def hand_over(momentum: Any) -> None:
    """See that the server has everything that the SDK was told.

    Raises:
        LostEventsError: it has not.
    """
    momentum.flush(timeout_s=120)
    counts = momentum.counts()
    if counts.delivered != counts.handed:
        raise LostEventsError(
            f"the server has {counts.delivered:,} of {counts.handed:,} items: {counts.refused:,} "
            f"refused, {counts.dropped:,} dropped, {counts.waiting:,} still waiting; see its log"
        )


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", justify="left"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=console,
    )
