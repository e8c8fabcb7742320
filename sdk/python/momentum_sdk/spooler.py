"""Brings events to the disk, in the background, and adopts those of dead processes."""

import threading
import time
from typing import Final

from .notices import Notices
from .outbox import Outbox
from .spool import Segment, Spool

ADOPT_EVERY_S: Final = 60.0
RETRY_AFTER_S: Final = 10.0


class Spooler:
    """A thread between the outbox's memory and its spool."""

    def __init__(self, outbox: Outbox, spool: Spool, notices: Notices) -> None:
        self._outbox = outbox
        self._spool = spool
        self._notices = notices
        self._adopt_at = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        thread = threading.Thread(target=self._run, name="momentum-spooler", daemon=True)
        thread.start()
        self._thread = thread

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end, but not for long."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(timeout_s, 0.0))

    def _run(self) -> None:
        while True:
            is_last = self._outbox.is_closed
            self._spool_once([] if is_last else self._orphans())
            if is_last:
                return

    def _orphans(self) -> list[Segment]:
        if time.monotonic() < self._adopt_at:
            return []
        self._adopt_at = time.monotonic() + ADOPT_EVERY_S
        return self._spool.find_orphans()

    def _spool_once(self, orphans: list[Segment]) -> None:
        n_adopted = sum(segment.n_left for segment in orphans)
        wait_s = 0.0 if orphans else max(self._adopt_at - time.monotonic(), 0.1)
        items = self._outbox.take_to_spool(wait_s, n_adopted)
        problem = self._write(items)
        if orphans:
            self._spool.adopt(orphans)
        if problem is None:
            self._outbox.spooled()
            return
        self._outbox.not_spooled(items)
        self._notices.warn(
            "spool", "spool_dir cannot be written (%s); events wait in memory", problem
        )
        self._outbox.wait_until_closed(RETRY_AFTER_S)

    def _write(self, items: list[bytes]) -> str | None:
        """Why writing failed, in a word; None when it did not."""
        try:
            if items:
                self._spool.write(items)
        except Exception as error:  # the thread must survive, or events would never be sent
            return type(error).__name__
        return None
