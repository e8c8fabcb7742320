"""Events waiting to be sent: bounded, counted, safe between threads."""

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from .answers import Counts
from .backoff import Pause

if TYPE_CHECKING:
    from .spool import Spool

LARGEST_BATCH_BYTES: Final = 2 * 1024 * 1024
MOST_BYTES: Final = 64 * 1024 * 1024
SPOOLED_AT_ONCE: Final = 100
SPOOLED_WITHIN_S: Final = 0.1


class Outbox:
    """A queue with a size; full, it drops the newest, or lets the host wait if it wants to.

    With a spool, the queue holds what is not on disk yet, and batches are taken from the disk.
    While the disk fails, they are taken from memory, as without a spool.
    """

    def __init__(
        self,
        queue_size: int,
        batch_size: int,
        block_when_full_s: float,
        spool: "Spool | None" = None,
    ) -> None:
        self._spool = spool
        self._n_spooling = 0  # being written to the spool
        self._n_bytes_spooling = 0
        self._n_spooled = 0  # in the spool
        self._is_spool_broken = False
        self._is_from_spool = False  # the batch in flight
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
        self._n_flushes_spooled = 0  # of these, how many brought the queue to the disk
        self._is_flushing = False
        self._is_closed = False

    def put(self, item: bytes) -> bool:
        """Queue an item; False when there is no room and it was dropped."""
        with self._changed:
            if self._is_full(len(item)) and not self._wait_for_room(len(item)):
                self._n_dropped += 1
                return False
            self._queue.append(item)
            self._n_bytes += len(item)
            self._n_queued += 1
            n = len(self._queue)
            if n == 1 or n == self._batch_size or n == SPOOLED_AT_ONCE:
                self._changed.notify_all()
            return True

    def _is_full(self, size: int) -> bool:
        full = len(self._queue) >= self._queue_size or self._n_bytes >= MOST_BYTES
        if self._spool is not None and not self._is_spool_broken:
            n_items = len(self._queue) + self._n_spooling + 1
            n_bytes = self._n_bytes + self._n_bytes_spooling + size
            full = full or not self._spool.has_room(n_items, n_bytes)
        return full or self._is_closed

    def _wait_for_room(self, size: int) -> bool:
        if self._block_when_full_s <= 0 or self._is_closed:
            return False
        self._changed.notify_all()
        self._changed.wait_for(
            lambda: self._is_closed or not self._is_full(size), self._block_when_full_s
        )
        return not self._is_full(size)

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
            self._changed.wait_for(lambda: self._n_ready() > 0 or self._is_closed)
            self._changed.wait_for(
                lambda: self._is_closed or self._is_flushing or self._n_ready() >= self._batch_size,
                flush_interval_s,
            )
            return not self._is_closed

    def _n_ready(self) -> int:
        """How many items can be taken now."""
        if self._spool is None or self._is_spool_broken:
            return len(self._queue) + self._n_spooled
        return self._n_spooled

    def take(self) -> list[bytes]:
        """The next batch; it stays counted as waiting until it is settled."""
        return self._take_spooled() or self._take_queued()

    def _take_spooled(self) -> list[bytes]:
        if self._spool is None:
            return []
        batch, n_broken = self._spool.read(self._batch_size, LARGEST_BATCH_BYTES)
        with self._changed:
            self._n_spooled -= n_broken
            self._n_dropped += n_broken
            self._n_settled += n_broken
            self._in_flight, self._is_from_spool = batch, bool(batch)
            self._changed.notify_all()
        return batch

    def _take_queued(self) -> list[bytes]:
        with self._changed:
            if self._spool is not None and not self._is_spool_broken:
                return []
            n_bytes = 0
            batch: list[bytes] = []
            while self._queue and len(batch) < self._batch_size and n_bytes < LARGEST_BATCH_BYTES:
                item = self._queue.popleft()
                n_bytes += len(item)
                batch.append(item)
            self._n_bytes -= n_bytes
            self._in_flight, self._is_from_spool = batch, False
            self._changed.notify_all()
            return batch

    def settle(self, n_delivered: int, n_refused: int) -> None:
        """So many of the batch that was taken, from its beginning, have come to their end."""
        n = n_delivered + n_refused
        if self._spool is not None and self._is_from_spool:
            self._spool.settle(n)
        with self._changed:
            if not self._in_flight:
                return  # given up by close() meanwhile, and counted there
            if self._is_from_spool:
                self._n_spooled -= n
            self._n_delivered += n_delivered
            self._n_refused += n_refused
            self._n_settled += n
            self._in_flight = self._in_flight[n:]
            if not self._n_waiting():
                self._is_flushing = False
            self._changed.notify_all()

    def put_back(self) -> None:
        """What is not settled of the batch is to be taken again; the spool has its part still."""
        with self._changed:
            if not self._is_from_spool:
                self._queue.extendleft(reversed(self._in_flight))
                self._n_bytes += sum(map(len, self._in_flight))
            self._in_flight, self._is_from_spool = [], False
            self._changed.notify_all()

    @property
    def n_flushes(self) -> int:
        """How many flushes were asked for so far."""
        return self._n_flushes

    def wait_to_retry(self, pause: Pause, hurry_from: int) -> bool:
        """Wait after a failure; a new flush cuts it short. False when the outbox is closed.

        Args:
            pause: how long, and how long at least.
            hurry_from: `n_flushes` before the attempt that failed, so that a flush during it
                counts.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed, pause.least_s)
            self._changed.wait_for(
                lambda: self._is_closed or self._n_flushes > hurry_from,
                pause.wait_s - pause.least_s,
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

    def take_to_spool(self, timeout_s: float, n_adopted: int = 0) -> list[bytes]:
        """What to write to the spool next, after a moment for company; nothing may have come.

        Args:
            timeout_s: how long to wait for a first item.
            n_adopted: items of dead processes that are queued now, behind these.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closed, timeout_s)
            self._changed.wait_for(
                lambda: (
                    self._is_closed
                    or self._n_flushes > self._n_flushes_spooled
                    or not 0 < len(self._queue) < SPOOLED_AT_ONCE
                ),
                SPOOLED_WITHIN_S,
            )
            self._n_flushes_spooled = self._n_flushes
            items = list(self._queue)
            self._queue.clear()
            self._n_bytes_spooling, self._n_bytes = self._n_bytes, 0
            self._n_spooling = len(items) + n_adopted
            self._n_queued += n_adopted
            self._changed.notify_all()
            return items

    def spooled(self) -> None:
        """What was taken to the spool is on disk."""
        with self._changed:
            self._n_spooled += self._n_spooling
            self._n_spooling = self._n_bytes_spooling = 0
            self._is_spool_broken = False
            self._changed.notify_all()

    def not_spooled(self, items: list[bytes]) -> None:
        """These could not be written: they go back to memory, and are sent from there."""
        with self._changed:
            self._n_spooled += self._n_spooling - len(items)
            self._n_spooling = self._n_bytes_spooling = 0
            self._queue.extendleft(reversed(items))
            self._n_bytes += sum(map(len, items))
            self._is_spool_broken = True
            self._changed.notify_all()

    def wait_until_closed(self, timeout_s: float) -> bool:
        """Whether it is closed, waiting at most so long."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_closed, timeout_s)

    def stop(self) -> None:
        """Take no more; what is left may still be written to the spool."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def close(self) -> int:
        """Take no more and give up what is in memory only. Returns how many items that were."""
        with self._changed:
            self._is_closed = True
            n_lost = self._n_waiting() - self._n_spooled
            self._n_dropped += n_lost
            self._n_settled += n_lost
            self._n_spooling = self._n_bytes_spooling = 0
            self._queue.clear()
            if not self._is_from_spool:
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
            waiting = self._n_waiting()
            done = self._n_delivered + self._n_refused + self._n_dropped
            return Counts(
                handed=done + waiting,
                delivered=self._n_delivered,
                refused=self._n_refused,
                dropped=self._n_dropped,
                waiting=waiting,
            )

    def _n_waiting(self) -> int:
        waiting = len(self._queue) + self._n_spooling + self._n_spooled
        return waiting if self._is_from_spool else waiting + len(self._in_flight)
