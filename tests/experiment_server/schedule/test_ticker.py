"""The ticker keeps its rhythm, whatever the clock does."""

import threading
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.memory import MemoryJobStore

from experiment_server.schedule.ticker import TICK, EveryTrigger, Ticker


def test_ticker__started__ticks_again_and_again():
    ticks, enough = [], threading.Event()

    def tick():
        ticks.append(1)
        if len(ticks) == 3:
            enough.set()

    ticker = Ticker([tick], 0.05)
    ticker.start()
    arrived = enough.wait(30)
    ticker.stop()

    assert arrived


def test_ticker__a_tick_that_raises__goes_on():
    ticks, enough = [], threading.Event()

    def tick():
        ticks.append(1)
        if len(ticks) == 3:
            enough.set()
        raise RuntimeError("this tick failed")

    ticker = Ticker([tick], 0.05)
    ticker.start()
    arrived = enough.wait(30)
    ticker.stop()

    assert arrived


def test_ticker__one_tick_takes_for_ever__the_other_goes_on():
    hold, enough = threading.Event(), threading.Event()
    ticks = []

    def quick():
        ticks.append(1)
        if len(ticks) == 3:
            enough.set()

    ticker = Ticker([lambda: hold.wait(60), quick], 0.05)
    ticker.start()
    arrived = enough.wait(30)
    hold.set()
    ticker.stop()

    assert arrived


def test_ticker__the_clock_was_set_back_an_hour__still_ticks():
    ticked = threading.Event()
    ticker = Ticker([ticked.set], 0.1)
    ticker._scheduler.start(paused=True)
    ticker._scheduler.modify_job(f"{TICK}_0", next_run_time=datetime.now(UTC) + timedelta(hours=1))
    ticked.clear()
    ticker._scheduler.resume()
    arrived = ticked.wait(30)
    ticker.stop()

    assert arrived


def test_trigger__the_clock_was_set_forward_ten_years__fires_once_not_many_times():
    now = datetime(2036, 1, 1, tzinfo=UTC)

    following = EveryTrigger(5).get_next_fire_time(now - timedelta(days=3650), now)

    assert following == now + timedelta(seconds=5)


def test_ticker__its_job_store__is_memory_only():
    """A persistent store would deserialise code, and share slots that only our rows may share."""
    ticker = Ticker([lambda: None], 1)
    ticker.start()
    stores = list(ticker._scheduler._jobstores.values())
    ticker.stop()

    assert [type(store) for store in stores] == [MemoryJobStore]
