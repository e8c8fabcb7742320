"""The ticker: APScheduler in memory, which only asks our own tables what is due."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

TICK: Final = "tick"


class EveryTrigger(BaseTrigger):  # type: ignore[misc]
    """Fires one interval after now, so that a clock set forward by years is one tick, not many."""

    def __init__(self, seconds: float) -> None:
        self.interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """When the job runs next."""
        return now + self.interval


class SteadyScheduler(BackgroundScheduler):  # type: ignore[misc]
    """Keeps its rhythm when the clock is set back: a far-off next run is pulled to now."""

    def __init__(self, seconds: float, zone: tzinfo = UTC, **options: Any) -> None:
        super().__init__(timezone=zone, **options)
        self._interval = timedelta(seconds=seconds)

    def _process_jobs(self) -> float:
        now = datetime.now(UTC)
        for job in self.get_jobs():
            if job.next_run_time - now > 2 * self._interval:
                job.modify(next_run_time=now)
        wait_s = super()._process_jobs()
        interval_s = self._interval.total_seconds()
        return interval_s if wait_s is None else min(float(wait_s), interval_s)


def _guarded(tick: Callable[[], object]) -> None:
    try:
        tick()
    except Exception:  # the next tick must come, such as after a restart of the database
        structlog.get_logger().exception("tick_failed")


class Ticker:
    """Calls each of ``ticks`` again and again, in a thread of its own, until it is stopped."""

    def __init__(self, ticks: Sequence[Callable[[], object]], seconds: float) -> None:
        # a tick that is left out while a long one runs is no news
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = SteadyScheduler(seconds)
        for number, tick in enumerate(ticks):
            self._scheduler.add_job(
                _guarded,
                EveryTrigger(seconds),
                args=(tick,),
                id=f"{TICK}_{number}",
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
                next_run_time=datetime.now(UTC),
            )

    def start(self) -> None:
        """Begin to tick; call it after the process forked, threads do not survive a fork."""
        self._scheduler.start()

    def stop(self, *, wait: bool = True) -> None:
        """Stop ticking, by default after the running tick has come to its end."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=wait)
