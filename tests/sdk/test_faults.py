"""Servers that are away, slow, broken or lying, at the start and in the middle of a run."""

import json
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest
from momentum_sdk.notices import LOGGER_NAME

from tests.sdk.fault_server import PAYLOAD, Reply

GOOD_BODY = json.dumps(PAYLOAD).encode()
MOST_REQUESTS = (
    40  # in a moment, by both threads that double from 0.01 s; a hot loop makes hundreds
)


def answer(
    body: bytes, status: str = "200 OK", length: int | None = None, extra: str = ""
) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{extra}\r\n".encode() + body


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def drip(connection: socket.socket, content: bytes) -> None:
    for byte in content:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def sends(content: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(content)


FAULTS: dict[str, Callable[[socket.socket], None]] = {
    "closed at once": lambda _connection: None,
    "reset": reset,
    "silent": lambda _connection: time.sleep(0.6),
    "headers drip": lambda connection: drip(connection, answer(GOOD_BODY)[:16]),
    "body drips": lambda connection: drip(connection, answer(GOOD_BODY)[-16:]),
    "truncated JSON": sends(answer(GOOD_BODY[:-20])),
    "shorter than promised": sends(answer(GOOD_BODY, length=len(GOOD_BODY) + 10)),
    "garbage": sends(b"\x16\x03\x01 not http at all\r\n\r\n"),
    "garbage body": sends(answer(b"\xff\xfe\x00garbage")),
    "empty body": sends(answer(b"")),
    "null": sends(answer(b"null")),
    "wrong schema": sends(answer(b'{"features": [1, 2]}')),
    "a proxy's page": sends(answer(b"<html>welcome to the hotel network</html>")),
    "NaN": sends(answer(b'{"features": {"f": {"defaultValue": NaN}}}')),
    "5,000 deep": sends(answer(b"[" * 5_000 + b"]" * 5_000)),
    "100,000 deep": sends(answer(b'{"features":' * 100_000)),
    "huge header": sends(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
    "bad chunk": sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "302 to itself": sends(answer(b"", "302 Found", extra="Location: /api/v1/payload\r\n")),
    "204": sends(answer(b"", "204 No Content")),
    **{
        f"{status}": sends(answer(b"{}", f"{status} No"))
        for status in (400, 401, 403, 404, 405, 408, 429, 500, 502, 503)
    },
    **{
        f"503, Retry-After {text}": sends(answer(b"{}", "503 No", extra=f"Retry-After: {text}\r\n"))
        for text in ("0", "soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT", "9" * 50)
    },
}


FAULTS_ON_HTTP: dict[str, Reply] = {
    "500": (500, {}, b"{}"),
    "503, Retry-After 0": (503, {"Retry-After": "0"}, b"{}"),
    "a proxy's page": (200, {}, b"<html>welcome to the hotel network</html>"),
}


class Faulty:
    """Accepts connections and does to each what a test says."""

    def __init__(self) -> None:
        self.behave: Callable[[socket.socket], None] = FAULTS["closed at once"]
        self.n_requests = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65_536)
                self.n_requests += 1
                self.behave(connection)
            except OSError:
                return

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def faulty():
    made = Faulty()
    yield made
    made.close()


def wait_for(condition: Callable[[], object], timeout_s: float = 30.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


@pytest.mark.parametrize("fault", FAULTS)
def test_fault__at_the_start__gives_defaults_and_keeps_events(
    connect, faulty, lines, fault
) -> None:
    faulty.behave = FAULTS[fault]
    client = connect(faulty.url, request_timeout_s=0.2)
    is_ready = client.ready(0.3)
    variant = client.variant("reward-ladder", "l1", {"role": "seller"}, default="blue")
    client.track("login", "learner-77")

    assert wait_for(lambda: faulty.n_requests >= 2, 10), "both threads have met the fault"
    assert faulty.n_requests <= MOST_REQUESTS
    assert is_ready is False
    assert (variant.key, variant.reason) == ("blue", "not_ready")
    assert client.value("limit", 1) == 1
    counts = client.counts()
    assert counts.handed == 1
    assert counts.delivered == 0
    assert counts.waiting + counts.refused == 1
    assert not any("learner-77" in line or "secret" in line for line in lines())


@pytest.mark.parametrize("fault", FAULTS)
def test_fault__in_the_middle__changes_no_answer(connect, server, fault) -> None:
    client = connect(request_timeout_s=0.2)
    assert client.ready(30)
    learners = [f"l{number}" for number in range(50)]
    before = [client.variant("reward-ladder", one, {"role": "seller"}) for one in learners]
    faulty = Faulty()
    faulty.behave = FAULTS[fault]
    for wire in client._runtime._wires:  # the same client meets a server gone bad
        wire.close()
        wire._port = int(faulty.url.rsplit(":", 1)[1])

    client.refresh(0.1)

    assert wait_for(lambda: faulty.n_requests >= 1, 10), "the client has met the fault"
    assert faulty.n_requests <= MOST_REQUESTS
    assert [client.variant("reward-ladder", one, {"role": "seller"}) for one in learners] == before
    faulty.close()


def test_fault__server_refuses_connections__then_comes__all_arrives(connect, server) -> None:
    real_port = int(server.url.rsplit(":", 1)[1])
    client = connect("http://127.0.0.1:9")
    client.track("login", "l1")
    assert client.ready(0.1) is False
    for wire in client._runtime._wires:
        wire._port = real_port

    assert client.ready(30) is True
    assert client.flush(30) is True
    assert len(server.of_type("event")) == 1


def test_fault__answer_drips_for_ever__ends_at_the_timeout(connect, faulty) -> None:
    """A byte each 50 ms never trips a limit on single reads; the whole answer has its own."""
    faulty.behave = lambda connection: drip(connection, answer(GOOD_BODY))
    client = connect(faulty.url, request_timeout_s=0.3, poll_interval_s=60)

    assert wait_for(lambda: faulty.n_requests >= 3, 5)
    assert client.ready(0) is False


def test_fault__connection_refused__is_not_hammered(connect) -> None:
    attempts = []
    client = connect("http://127.0.0.1:9", retry_base_s=0.2)
    wire = client._runtime._wires[0]
    ask = wire.ask
    wire.ask = lambda *a, **k: attempts.append(time.monotonic()) or ask(*a, **k)

    time.sleep(1.5)

    assert 1 <= len(attempts) <= 8


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_key__long_wait__is_said_and_events_are_kept(connect, server, lines, status) -> None:
    server.reply = lambda _asked: (status, {}, b"{}")
    client = connect()
    client.track("login", "l1")
    assert wait_for(lambda: len(server.asked) >= 2)

    time.sleep(0.3)

    assert len(server.asked) == 2  # one for definitions, one for the event; the next in minutes
    assert client.counts().waiting == 1
    assert any(f"answered {status}" in line for line in lines())


def test_evaluation__server_silent__does_not_wait_for_it(connect, server) -> None:
    client = connect(request_timeout_s=20)
    assert client.ready(30)
    server.reply = lambda _asked: time.sleep(10)  # type: ignore[func-returns-value]
    asking = threading.Thread(target=client.refresh, args=(10,), daemon=True)
    asking.start()

    assert wait_for(lambda: len(server.asked) >= 2)
    variants = [client.variant("reward-ladder", f"l{n}", {"role": "seller"}) for n in range(300)]

    assert asking.is_alive(), "the server had not answered yet"
    assert {variant.reason for variant in variants} == {"split"}


def test_definitions__older_version__is_not_believed_at_once(connect, server) -> None:
    server.payload = PAYLOAD | {"momentum": PAYLOAD["momentum"] | {"version": 5}}
    client = connect(poll_interval_s=60)
    assert client.ready(30)
    older = json.loads(json.dumps(PAYLOAD))
    older["features"]["limit"]["defaultValue"] = 1
    older["momentum"]["version"] = 4
    server.payload = older

    seen = []
    for _ in range(4):
        assert client.refresh(30)
        seen.append(client.value("limit", 0))

    assert seen[:2] == [5, 5]  # a lagging server
    assert seen[-1] == 1  # said again and again: a restored one


def test_definitions__one_broken_flag__leaves_the_others(connect, server, lines) -> None:
    payload = json.loads(json.dumps(PAYLOAD))
    payload["features"]["limit"]["rules"] = [{"force": 1, "coverage": "half"}]
    server.payload = payload
    client = connect()
    assert client.ready(30)

    assert client.value("limit", 1) == 5
    assert client.is_on("new-home") is True
    assert any("cannot be evaluated: limit" in line for line in lines())


@pytest.mark.parametrize(("status", "n_asked"), [(401, 1), (500, 2)])
def test_refresh__in_a_loop_while_it_fails__is_no_hot_loop(
    connect, server, status, n_asked
) -> None:
    server.reply = lambda _asked: (status, {}, b"{}")
    client = connect(retry_base_s=20)
    assert wait_for(lambda: len(server.asked) == 1)

    for _ in range(60):
        client.refresh(0.01)

    assert len(server.asked) == n_asked


@pytest.mark.parametrize("fault", ["500", "503, Retry-After 0", "a proxy's page"])
def test_definitions__server_that_flaps__is_asked_ever_less(connect, server, fault) -> None:
    """One answer between two failures is not health: waits go on doubling."""
    said = FAULTS_ON_HTTP[fault]
    server.reply = lambda _asked: said if len(server.asked) % 2 else None
    connect(retry_base_s=0.1)

    time.sleep(2)

    assert len(server.asked) <= 12  # without doubling: more than 20


class FullDisk(logging.Handler):
    """A log of the host's that cannot be written; keeps what was in flight meanwhile."""

    def __init__(self, in_flight: Callable[[], list[bytes]]) -> None:
        super().__init__()
        self._in_flight = in_flight
        self.seen: list[list[bytes]] = []

    def emit(self, _record: logging.LogRecord) -> None:
        self.seen.append(list(self._in_flight()))
        raise OSError("disk full")


@pytest.fixture
def full_disk(connect):
    client = connect()
    handler = FullDisk(lambda: client._runtime.outbox._in_flight)
    logger = logging.getLogger(LOGGER_NAME)
    logger.addHandler(handler)
    yield client, handler
    logger.removeHandler(handler)


def test_log_handler_that_raises__server_away_for_a_while__all_arrives(server, full_disk) -> None:
    client, handler = full_disk
    server.reply = lambda asked: (503, {}, b"") if asked.method == "POST" else None
    client.track("login", "l1")
    assert wait_for(lambda: handler.seen)

    server.reply = lambda _asked: None

    assert client.flush(30)
    assert client.counts().delivered == 1


def test_log_handler_that_raises__sending_fails__events_were_put_back_before(full_disk) -> None:
    client, handler = full_disk
    client._runtime._sender._post = lambda _batch: 1 / 0
    client.track("login", "l1")

    assert wait_for(lambda: handler.seen)

    assert handler.seen[0] == []
    assert client.counts().waiting == 1
