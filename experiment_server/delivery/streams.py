"""Server-sent events: a held connection learns of each new version within about a second."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from secrets import randbelow
from threading import Lock
from typing import Final

from experiment_server.delivery.service import Delivered, Edition

TICK_S: Final = 0.5  # between two looks; also how long a stop may take
LOOK_S: Final = 0.9  # all streams of a process share one look at the database in this time
KEY_CHECK_S: Final = 2.0  # a revoked key's stream ends so soon
KEEP_ALIVE_S: Final = 15.0
RETRY_MS: Final = (3_000, 8_000)  # apart from each other, so that a restart meets no herd
LONGEST_LINE: Final = 60_000  # some readers refuse a line of 64 KB
KEEP_ALIVE: Final = b": still here\n\n"


def most_streams(threads: int) -> int:
    """How many of a process's threads may hold a stream: fewer than half."""
    return max(0, (threads - 1) // 2)


def network_of(address: str | None) -> str:
    """Whose an address is: of version 6 one host has 2^64 of them, so their network counts."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return "unknown"
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ip_network((known.packed, 64), strict=False))


class NoPlace(Exception):  # noqa: N818  (it is an answer: poll instead)
    """A stream that cannot be opened now."""

    def __init__(self, most: int, holder: str) -> None:
        whose = f"one {holder.partition(' ')[0]}" if holder else "this server"
        super().__init__(
            f"There are {most} streams of {whose}, and there can be no more. Poll /api/features "
            "instead, or try again."
        )
        self.holder = holder


class Streams:
    """Counts the open streams of a process, so that they never take all of its threads.

    Neither a key that anybody can read nor an address may have more than half of them.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.is_stopping: Callable[[], bool] = lambda: False
        self._n_open = 0
        self._n_of: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def n_open(self) -> int:
        """How many there are."""
        return self._n_open

    @property
    def most_of_one(self) -> int:
        """How many one holder may have: half, so that others find a place."""
        return (self.most + 1) // 2

    def enter(self, *holders: str) -> Callable[[], None]:
        """Take a place: what gives it back, however often it is called.

        Raises:
            NoPlace: all are taken, or one of the holders has as many as it may.
        """
        with self._lock:
            for holder in holders:
                if self._n_of[holder] >= self.most_of_one > 0:
                    raise NoPlace(self.most_of_one, holder)
            if self._n_open >= self.most:
                raise NoPlace(self.most, "")
            self._n_open += 1
            self._n_of.update(holders)
        left = False

        def leave() -> None:
            nonlocal left
            with self._lock:
                if not left:
                    self._n_open -= 1
                    self._n_of -= Counter(holders)  # what comes to zero is forgotten
                left = True

        return leave


@dataclass(frozen=True)
class Subscription:
    """What one stream tells, and as long as what."""

    edition: Callable[[], Edition]
    token: Callable[[Edition], str]  # a change of it is news
    event: Callable[[Edition], bytes]
    is_allowed: Callable[[], bool]  # whether the key still opens it
    seen: str | None  # the token that the reader has already
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def events(subscription: Subscription, streams: Streams) -> Iterator[bytes]:
    """The stream: an event for each change, and something every 15 s so that nobody hangs up."""
    low, high = RETRY_MS
    yield b"retry: %d\n\n" % (low + randbelow(high - low))
    seen = subscription.seen
    told_at = checked_at = subscription.clock()
    while not streams.is_stopping():
        now = subscription.clock()
        if now - checked_at >= KEY_CHECK_S:
            checked_at = now
            if not subscription.is_allowed():
                return
        edition = subscription.edition()
        token = subscription.token(edition)
        if token != seen:
            seen, told_at = token, now
            yield subscription.event(edition)
        elif now - told_at >= KEEP_ALIVE_S:
            told_at = now
            yield KEEP_ALIVE
        subscription.sleep(TICK_S)


def features_event(delivered: Delivered) -> bytes:
    """The event ``features`` as GrowthBook's SDKs read it: the whole payload."""
    return _event("features", delivered.etag, _lines(delivered.body))


def refetch_event(token: str, changed_at: int) -> bytes:
    """OFREP's event: evaluate again. ``changed_at`` is in seconds since 1970."""
    text = b'{"type":"refetchEvaluation","etag":"%s","lastModified":%d}'
    return _event("message", token, [text % (token.encode(), changed_at)])


def _event(name: str, identity: str, lines: list[bytes]) -> bytes:
    data = b"".join(b"data: %s\n" % line for line in lines)
    return b"id: %s\nevent: %s\n%s\n" % (identity.encode(), name.encode(), data)


def _lines(body: bytes) -> list[bytes]:
    """JSON in lines that every reader takes: cut between members, where JSON allows a new line."""
    if len(body) <= LONGEST_LINE:
        return [body]
    lines, start, in_text, after_backslash = [], 0, False, False
    for index, byte in enumerate(body):
        if in_text:
            in_text = after_backslash or byte != ord('"')
            after_backslash = byte == ord("\\") and not after_backslash
        elif byte == ord('"'):
            in_text = True
        elif byte == ord(",") and index - start >= LONGEST_LINE // 2:
            lines.append(body[start : index + 1])
            start = index + 1
    return [*lines, body[start:]]
