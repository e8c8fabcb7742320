"""A limit on how long the engine may work for somebody who waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

import duckdb

from analysis.lake.reader import Lake

AGAIN_S: Final = 0.05


class TookTooLong(RuntimeError):  # noqa: N818  (it is what happened)
    """The engine was stopped because the time was over."""


@contextmanager
def bounded(lake: Lake, seconds: float) -> Iterator[None]:
    """Stop every query on this lake's session once so many seconds are over.

    Only DuckDB can be stopped; with another engine its own limit holds.

    Raises:
        TookTooLong: inside the block, by the query that was stopped.
    """
    interrupt = getattr(getattr(lake.connect(), "con", None), "interrupt", None)
    if interrupt is None:
        yield
        return
    over = Event()

    def watch() -> None:
        waited = over.wait(seconds)
        while not waited:  # one call stops one query, and another may follow
            interrupt()
            waited = over.wait(AGAIN_S)

    watcher = Thread(target=watch, name="bounded", daemon=True)
    watcher.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise TookTooLong(f"the engine was stopped after {seconds:g} s") from error
    finally:
        over.set()
        watcher.join()
