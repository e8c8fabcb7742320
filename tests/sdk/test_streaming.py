"""The event stream: changes arrive at once, and no fault of it does harm."""

import copy
import itertools
import json
import socket
import time
from collections.abc import Callable

import pytest
from momentum_sdk.backoff import Backoff
from momentum_sdk.definitions import Definitions
from momentum_sdk.notices import Notices
from momentum_sdk.options import Options
from momentum_sdk.streaming import Stream, stream_path
from momentum_sdk.wire import Declined, NoAnswer

from tests.sdk.fault_server import PAYLOAD
from tests.sdk.test_faults import Faulty, answer, drip, reset, wait_for

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
EVENT = b'id: 1\nevent: features\ndata: {"features": {}}\n\n'


class StreamServer(Faulty):
    """Gives definitions to who asks, and behaves as told to who listens."""

    def __init__(self) -> None:
        super().__init__()
        self.payload = copy.deepcopy(PAYLOAD)
        self.n_polls = 0
        self.heads: list[bytes] = []
        self.listen: Callable[[socket.socket], None] = lambda _connection: None

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while request := connection.recv(65_536):
                    if b"text/event-stream" in request:
                        self.heads.append(request)
                        self.listen(connection)
                        return
                    self.n_polls += 1
                    connection.sendall(answer(json.dumps(self.payload).encode()))
            except OSError:
                return

    def change(self, limit: int) -> None:
        self.payload["momentum"]["version"] += 1
        self.payload["features"]["limit"]["defaultValue"] = limit


def held_open(*contents: bytes) -> Callable[[socket.socket], None]:
    def listen(connection: socket.socket) -> None:
        for content in contents:
            connection.sendall(content)
        connection.recv(1)  # until the other side ends it

    return listen


@pytest.fixture
def streams():
    made = StreamServer()
    yield made
    made.close()


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_stream__a_change__is_known_at_once(connect, streams, newline) -> None:
    opened: list[socket.socket] = []

    def listen(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"retry: 3000" + newline * 2)
        opened.append(connection)
        connection.recv(1)

    streams.listen = listen
    client = connect(streams.url, streaming=True, poll_interval_s=60)
    assert client.ready(30)
    assert client.value("limit", 0) == 5
    assert wait_for(lambda: opened)

    streams.change(9)
    opened[0].sendall(EVENT.replace(b"\n", newline))

    assert wait_for(lambda: client.value("limit", 0) == 9)
    assert client.status().is_stale is False


@pytest.mark.parametrize(
    ("key", "path"),
    [("mo_client_abc", "/sub/mo_client_abc"), ("mo_server_abc", "/api/v1/stream")],
)
def test_stream__path__never_holds_a_secret_key(key, path) -> None:
    assert stream_path(key) == path


def test_stream__of_a_server_key__carries_it_in_its_head_only(connect, streams) -> None:
    streams.listen = held_open(HEAD)
    connect(streams.url, streaming=True)

    assert wait_for(lambda: streams.heads)
    first, *rest = streams.heads[0].split(b"\r\n")
    assert first == b"GET /api/v1/stream HTTP/1.1"
    assert b"Authorization: Bearer mo_server_secret" in rest


FAULTS = {
    "clean close at once": lambda _connection: None,
    "clean close after the head": lambda connection: connection.sendall(HEAD),
    "close within an event": lambda connection: connection.sendall(HEAD + EVENT[:30]),
    "reset": reset,
    "silent": lambda _connection: time.sleep(0.5),
    "drips": lambda connection: drip(connection, HEAD[:10]),
    "a page": lambda connection: connection.sendall(answer(b"<html>hotel</html>")),
    "garbage": lambda connection: connection.sendall(b"\x16\x03\x01 nothing\r\n\r\n"),
    "garbage in the stream": lambda connection: connection.sendall(HEAD + b"\xff\x00" * 5_000),
    "an event without end": lambda connection: connection.sendall(HEAD + b"data: " + b"x" * 10**7),
    "a flood of events": lambda connection: connection.sendall(HEAD + EVENT * 20_000),
    "unknown events": lambda connection: connection.sendall(HEAD + b"event: odd\ndata\n\n:c\n\n"),
    "bad chunks": lambda connection: connection.sendall(
        HEAD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    ),
    **{
        str(status): lambda connection, status=status: connection.sendall(
            answer(b"{}", f"{status} No")
        )
        for status in (204, 301, 401, 403, 404, 429, 500, 503)
    },
}


@pytest.mark.parametrize("fault", FAULTS)
def test_stream__any_fault__leaves_polling_and_answers(connect, streams, lines, fault) -> None:
    streams.listen = FAULTS[fault]
    client = connect(streams.url, streaming=True, request_timeout_s=0.3, retry_base_s=0.05)
    assert client.ready(30)
    assert wait_for(lambda: streams.heads)

    streams.change(9)

    assert wait_for(lambda: client.value("limit", 0) == 9)
    assert len(streams.heads) < 20
    assert not any("secret" in line for line in lines())


def test_stream__flood_of_events__is_asked_about_once_a_second(connect, streams) -> None:
    streams.listen = held_open(HEAD, EVENT * 5_000)
    client = connect(streams.url, streaming=True, poll_interval_s=60)
    assert client.ready(30)

    time.sleep(0.7)

    assert streams.n_polls <= 4


def test_close__while_listening__ends_the_connection_at_once(connect, streams) -> None:
    ended: list[float] = []

    def listen(connection: socket.socket) -> None:
        connection.sendall(HEAD)
        connection.recv(1)
        ended.append(time.monotonic())

    streams.listen = listen
    client = connect(streams.url, streaming=True)
    assert wait_for(lambda: streams.heads)
    time.sleep(0.05)
    started = time.monotonic()

    client.close(1)

    assert wait_for(lambda: ended, 2)
    assert ended[0] - started < 1


class VirtualWire:
    """Ends each stream as told; time passes only here and in waits."""

    def __init__(self, end: Callable[["VirtualWire"], None], talks_s: float) -> None:
        self.now = 0.0
        self.connected_at: list[float] = []
        self._end = end
        self._talks_s = talks_s

    def listen(self, _path: str, _silence_s: float):
        self.connected_at.append(self.now)
        yield b"retry: 3000\n"
        for _ in range(int(self._talks_s)):
            self.now += 1
            yield b": still here\n"
        self._end(self)

    def interrupt(self) -> None:
        """Nothing listens."""


def run_for(seconds: float, end: Callable[[VirtualWire], None], talks_s: float = 0) -> list[float]:
    """When a stream that always ends in this way is connected to, in virtual time."""
    wire = VirtualWire(end, talks_s)
    definitions = Definitions(None, Options(), Notices())
    stream = Stream(wire, "/", definitions, Options(), Notices())  # type: ignore[arg-type]
    stream._backoff = Backoff(1.0, lambda: 0.5, lambda: wire.now)

    def wait(wait_s: float) -> bool:
        wire.now += wait_s
        if wire.now > seconds:
            stream.close()
        return wire.now > seconds

    stream.wait = wait
    stream.run()
    return wire.connected_at


def fails(error: Exception) -> Callable[[VirtualWire], None]:
    def end(_wire: VirtualWire) -> None:
        raise error

    return end


@pytest.mark.parametrize("end", [lambda _wire: None, fails(NoAnswer("reset"))])
def test_backoff__two_minutes_of_closed_streams__is_ten_connections(end) -> None:
    """K-04: a clean close counts as a failure too."""
    connected = run_for(120, end)

    gaps = [later - earlier for earlier, later in itertools.pairwise(connected)]
    assert gaps == pytest.approx([min(30, 2.0**n) * 0.75 for n in range(len(gaps))])
    assert len(connected) <= 10


def test_backoff__a_minute_of_health__starts_anew() -> None:
    connected = run_for(600, lambda _wire: None, talks_s=61)

    gaps = [later - earlier for earlier, later in itertools.pairwise(connected)]
    assert gaps == pytest.approx([61.75] * len(gaps))


def test_backoff__half_a_minute_of_health__does_not_start_anew() -> None:
    connected = run_for(600, lambda _wire: None, talks_s=30)

    assert connected[-1] - connected[-2] == pytest.approx(30 + 30 * 0.75)


def test_backoff__a_minute_of_silence__is_no_health() -> None:
    def fall_silent(wire: VirtualWire) -> None:
        wire.now += 61
        raise NoAnswer("TimeoutError")

    connected = run_for(1_000, fall_silent)

    assert connected[-1] - connected[-2] == pytest.approx(61 + 30 * 0.75)


@pytest.mark.parametrize("status", [401, 403])
def test_backoff__wrong_key__asks_every_few_minutes_and_never_stops(status) -> None:
    connected = run_for(86_400, fails(Declined(status, None)))

    assert len(connected) == 86_400 // 225 + 1


def test_backoff__retry_after__is_honoured() -> None:
    connected = run_for(100, fails(Declined(503, "30")))

    assert connected == pytest.approx([0, 31.5, 63, 94.5])


def test_backoff__retry_after_nothing__is_no_hot_loop() -> None:
    connected = run_for(120, fails(Declined(503, "0")))

    assert len(connected) <= 10


def test_definitions__while_streamed__are_polled_rarely_and_are_not_stale() -> None:
    now = [0.0]
    options = Options(payload=PAYLOAD, poll_interval_s=30)
    definitions = Definitions(None, options, Notices(), clock=lambda: now[0])
    definitions._answered(0)
    definitions.stream_heard()

    now[0] = 250

    assert definitions._interval_s() == 300
    assert definitions.status().is_stale is False
    definitions.stream_ended()
    assert definitions._interval_s() == 30
    assert definitions.status().is_stale is True
