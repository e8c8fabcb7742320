"""Events waiting to be sent: bounded, counted, safe between threads."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

LARGEST_BATCH_BYTES: Final = 2 * 1024 * 1024
MOST_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the events: handed = delivered + refused + dropped + waiting."""

    handed: int  # by the host
    delivered: int  # the server has them for good
    refused: int  # by the server, as wrong
    dropped: int  # the queue was full, the item could not be sent, or the process ended
    waiting: int


class Outbox:
    """A queue with a size; full, it drops the newest, or lets the host wait if it wants to."""

    def __init__(self, queue_size: int, batch_size: int, block_when_full_s: float) -> None:
        self._queue_size = queue_size
        self._batch_size = min(batch_size, queue_size)
        self._block_when_full_s = block_when_full_s
        self._changed = threading.Condition(threading.Lock())
        self._queue: deque[bytes] = deque()
        self._n_bytes = 0
        self._in_flight: list[bytes] = []
        self._n_queued = 0
        self._n_settled = 0
        self._n_delivered = 0
        self._n_refused = 0
        self._n_dropped = 0
        self._n_flushes = 0
        self._is_flushing = False
        self._is_closed = False

    def put(self, item: bytes) -> bool:
        """Queue an item; False when there is no room and it was dropped."""
        with self._changed:
            if self._is_full() and not self._wait_for_room():
                self._n_dropped += 1
                return False
            self._queue.append(item)
            self._n_bytes += len(item)
            self._n_queued += 1
            n = len(self._queue)
            if n == 1 or n == self._batch_size:
                self._changed.notify_all()
            return True

    def _is_full(self) -> bool:
        full = len(self._queue) >= self._queue_size or self._n_bytes >= MOST_BYTES
        return full or self._is_closed

    def _wait_for_room(self) -> bool:
        if self._block_when_full_s <= 0 or self._is_closed:
            return False
        self._changed.notify_all()
        self._changed.wait_for(
            lambda: self._is_closed or not self._is_full(), self._block_when_full_s
        )
        return not self._is_full()

    def count_dropped(self, n: int = 1) -> None:
        """Count an item that was never queued."""
        with self._changed:
            self._n_dropped += n

    def wait_for_work(self, flush_interval_s: float) -> bool:
        """Wait until a batch is full, a while has passed, or a flush is asked for.

        Returns:
            False when the outbox is closed and there is nothing more to do.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._in_flight or self._is_closed)
            self._changed.wait_for(
                lambda: (
                    self._is_closed or self._is_flushing or len(self._queue) >= self._batch_size
                ),
                flush_interval_s,
            )
            return not self._is_closed

    def take(self) -> list[bytes]:
        """The next batch; it stays counted as waiting until it is settled."""
        with self._changed:
            n_bytes = 0
            batch: list[bytes] = []
            while self._queue and len(batch) < self._batch_size and n_bytes < LARGEST_BATCH_BYTES:
                item = self._queue.popleft()
                n_bytes += len(item)
                batch.append(item)
            self._n_bytes -= n_bytes
            self._in_flight = batch
            self._changed.notify_all()
            return batch

    def narrow(self, part: list[bytes]) -> None:
        """The batch is sent in parts; this one is next."""
        with self._changed:
            self._in_flight = part

    def settle(self, n_delivered: int, n_refused: int) -> None:
        """The batch that was taken has come to its end."""
        with self._changed:
            if not self._in_flight:
                return  # given up by close() meanwhile, and counted there
            self._n_delivered += n_delivered
            self._n_refused += n_refused
            self._n_settled += len(self._in_flight)
            self._in_flight = []
            if not self._queue:
                self._is_flushing = False
            self._changed.notify_all()

    @property
    def n_flushes(self) -> int:
        """How many flushes were asked for so far."""
        return self._n_flushes

    def wait_to_retry(self, wait_s: float, hurry_from: int | None) -> bool:
        """Wait after a failure; a new flush cuts it short. False when the outbox is closed.

        Args:
            wait_s: how long.
            hurry_from: `n_flushes` before the attempt that failed, so that a flush during it
                counts; None when the server itself said how long to wait.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._is_closed or (hurry_from is not None and self._n_flushes > hurry_from)
                ),
                wait_s,
            )
            return not self._is_closed

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was queued before is settled; False when time ran out."""
        with self._changed:
            target = self._n_queued
            if self._n_settled >= target:
                return True
            self._is_flushing = True
            self._n_flushes += 1
            self._changed.notify_all()
            return self._changed.wait_for(
                lambda: self._n_settled >= target or self._is_closed, timeout_s
            ) and (self._n_settled >= target)

    def close(self) -> int:
        """Take no more and give up what is left. Returns how many items that were."""
        with self._changed:
            self._is_closed = True
            n_lost = len(self._queue) + len(self._in_flight)
            self._n_dropped += n_lost
            self._n_settled += n_lost
            self._queue.clear()
            self._in_flight = []
            self._n_bytes = 0
            self._changed.notify_all()
            return n_lost

    @property
    def is_closed(self) -> bool:
        """Whether it takes no more."""
        return self._is_closed

    def counts(self) -> Counts:
        """What became of the events so far."""
        with self._changed:
            waiting = len(self._queue) + len(self._in_flight)
            done = self._n_delivered + self._n_refused + self._n_dropped
            return Counts(
                handed=done + waiting,
                delivered=self._n_delivered,
                refused=self._n_refused,
                dropped=self._n_dropped,
                waiting=waiting,
            )
