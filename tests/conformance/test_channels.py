"""Every notification channel: takes a message, or says why not."""

import http.server
import threading
from contextlib import contextmanager

import pytest
import structlog

from experiment_server.notify.channels import CHANNELS
from experiment_server.notify.channels.channel import BadTargetError, Message, UnsendableError

# apprise asks for a module that Python 3.13 no longer has, and copes without it
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

MESSAGE = Message("Winners of the week", "SHIP: Streak bonus\n+3.1 points, Zoë \u202e says")


@contextmanager
def listener(status=200):
    """A service on this machine that takes posts."""
    bodies = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"json://127.0.0.1:{server.server_port}/hook", bodies
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def taking_file(data_dir):
    yield "reports.log", (data_dir / "reports.log").read_text


@contextmanager
def taking_log(data_dir):
    with structlog.testing.capture_logs() as lines:
        yield "", lambda: str([(line.get("title"), line.get("text")) for line in lines])


@contextmanager
def taking_service(data_dir):
    with listener() as (url, bodies):
        yield url, lambda: b"".join(bodies).decode()


TAKING = {"file": taking_file, "log": taking_log, "apprise_url": taking_service}

BAD = {
    "file": ["", "../outside.log", "/etc/passwd", "a\x00b", "."],
    "log": ["somewhere"],
    "apprise_url": ["", "nosuchschema://x", "not a url", "javascript:alert(1)", "slack://"],
}


def test_suite__covers__every_channel():
    assert set(TAKING) == set(BAD) == set(CHANNELS)


@pytest.mark.parametrize("kind", CHANNELS)
def test_channel__a_message__arrives(kind, tmp_path):
    channel = CHANNELS[kind]
    with TAKING[kind](tmp_path) as (target, read):
        channel.check(target, tmp_path)
        channel.send(target, MESSAGE, tmp_path)
        arrived = read()

    assert "Streak bonus" in arrived


@pytest.mark.parametrize(
    ("kind", "target"), [(k, t) for k, targets in BAD.items() for t in targets]
)
def test_channel__a_target_that_cannot_work__is_refused_with_an_example(kind, target, tmp_path):
    with pytest.raises(BadTargetError, match="url: ") as refusal:
        CHANNELS[kind].check(target, tmp_path)

    assert "expected" in str(refusal.value) or "for example" in str(refusal.value)


def test_apprise__a_service_that_refuses__says_so(tmp_path):
    with listener(status=500) as (url, _bodies), pytest.raises(UnsendableError):
        CHANNELS["apprise_url"].send(url, MESSAGE, tmp_path)


def test_file__a_second_message__is_appended(tmp_path):
    for text in ("first", "second"):
        CHANNELS["file"].send("reports.log", Message("t", text), tmp_path)

    written = (tmp_path / "reports.log").read_text()
    assert written.index("first") < written.index("second")
