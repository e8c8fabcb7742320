"""K-09 and K-11: real gunicorn workers forked from a loaded master, and many threads."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import pytest

from tests.faults.killable import free_port
from tests.sdk.fault_server import PAYLOAD
from tests.sdk.test_faults import wait_for
from tests.sdk.test_processes import SDK

APP = """
import os, sys
sys.path.insert(0, {sdk!r})
from momentum_sdk import Momentum

momentum = Momentum({url!r}, "mo_server_x", poll_interval_s=0.05, flush_interval_s=0.05,
                    spool_dir={spool!r})
assert momentum.ready(30)
momentum.track("master", "m1")

def app(environ, start_response):
    learner = environ["PATH_INFO"].strip("/")
    variant = momentum.variant("reward-ladder", learner, {{"role": "seller"}})
    momentum.track("page", learner, properties={{"topic": str(os.getpid())}})
    start_response("200 OK", [("Content-Type", "text/plain")])
    limit = momentum.value("limit", 0)
    return [f"{{os.getpid()}} {{variant.key}} {{limit}}".encode()]
"""


class Lms:
    """An LMS under gunicorn, its client made before the workers are forked."""

    def __init__(self, folder, url) -> None:
        self.spool = folder / "spool"
        code = textwrap.dedent(APP).format(sdk=str(SDK), url=url, spool=str(self.spool))
        (folder / "lms.py").write_text(code)
        self.port = free_port()
        self.master = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "lms:app", "--preload", "--workers", "4",
             "--bind", f"127.0.0.1:{self.port}", "--log-level", "critical"],
            cwd=folder,
        )  # fmt: skip
        self.answers: list[tuple[int, int]] = []

    def ask(self, number: int) -> bool:
        """Ask for a page; whether it came."""
        try:
            with urlopen(f"http://127.0.0.1:{self.port}/l{number}", timeout=10) as answer:
                pid, _, limit = answer.read().decode().split()
        except OSError:
            return False
        self.answers.append((int(pid), int(limit)))
        return True

    def ask_at_once(self, n: int) -> None:
        """Ask for many pages, eight at a time."""
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(self.ask, range(n)))

    def limits_now(self) -> set[int]:
        """What the workers now say, asked so often that each has answered."""
        n_before = len(self.answers)
        self.ask_at_once(20)
        return {limit for _, limit in self.answers[n_before:]}

    def stop(self) -> int:
        self.master.send_signal(signal.SIGTERM)
        return self.master.wait(20)


@pytest.mark.faults
def test_prefork__workers_of_a_loaded_master__send_their_own_once_even_when_killed(
    connect, server, tmp_path
) -> None:
    lms = Lms(tmp_path, server.url)
    try:
        assert wait_for(lambda: lms.ask(0), 20)
        lms.ask_at_once(240)
        pids = {pid for pid, _ in lms.answers}
        server.payload = PAYLOAD | {
            "features": PAYLOAD["features"] | {"limit": {"defaultValue": 8}},
            "momentum": PAYLOAD["momentum"] | {"version": 2},
        }
        assert wait_for(lambda: lms.limits_now() == {8}), "each hears of changes"
        time.sleep(2)  # longer than events need to the disk
        os.kill(min(pids), signal.SIGKILL)
        time.sleep(0.3)
    finally:
        assert lms.stop() == 0
    connect(spool_dir=lms.spool, key="mo_server_x")  # adopts what the killed one left

    def pages() -> list[dict]:
        return [event for event in server.of_type("event") if event["kind"] == "page"]

    assert wait_for(lambda: len(pages()) == len(lms.answers))
    assert len(pids) >= 2
    assert {int(page["properties"]["topic"]) for page in pages()} >= pids
    assert [event["kind"] for event in server.of_type("event")].count("master") == 1


def test_threads__evaluating_during_updates__see_one_version_each(connect, server) -> None:
    """K-11 in short: a flag pair that always agrees within one version."""

    def version(number: int) -> dict:
        return PAYLOAD | {
            "features": {
                "pair": {"defaultValue": {"a": number, "b": number}},
            },
            "momentum": PAYLOAD["momentum"] | {"version": number},
        }

    server.payload = version(1)
    client = connect(poll_interval_s=0.05)
    assert client.ready(30)
    interval, stop = sys.getswitchinterval(), threading.Event()

    def work(_number: int) -> list[tuple[int, int]]:
        pairs = [(0, 0)]
        while not stop.is_set():
            pair = client.value("pair", {})
            if pairs[-1] != (pair["a"], pair["b"]):
                pairs.append((pair["a"], pair["b"]))
        return pairs

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(16) as pool:
            working = [pool.submit(work, number) for number in range(16)]
            for number in range(2, 8):
                server.payload = version(number)
                assert client.refresh(30)
            stop.set()
            seen = [one.result(10) for one in working]
    finally:
        sys.setswitchinterval(interval)
        stop.set()

    assert all(a == b for pairs in seen for a, b in pairs), "no reader sees half of a version"
    assert all(pairs == sorted(pairs) for pairs in seen), "no reader goes back"
    assert len({pair for pairs in seen for pair in pairs}) >= 4
