"""Forks, exits and abandoned clients, in real processes."""

import gc
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.sdk.test_faults import wait_for

SDK = Path(__file__).resolve().parents[2] / "sdk" / "python"


def host(url: str, code: str) -> subprocess.CompletedProcess[str]:
    """A host process that has a client on the server and runs some code."""
    start = f"""
        import os, sys, time, threading
        sys.path.insert(0, {str(SDK)!r})
        from momentum_sdk import Momentum
        momentum = Momentum({url!r}, "mo_server_x", flush_interval_s=60, poll_interval_s=0.05,
                            exit_timeout_s=2, request_timeout_s=2)
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(start) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,  # a silent server answers after 60
    )


@pytest.mark.parametrize(
    ("end", "code"),
    [("pass", 0), ("sys.exit(3)", 3), ("raise ValueError", 1), ("raise KeyboardInterrupt", None)],
)
def test_exit__whatever_ends_the_process__events_leave_first(server, end, code) -> None:
    result = host(server.url, f"for n in range(700): momentum.track('login', f'l{{n}}')\n{end}")

    assert len(server.of_type("event")) == 700
    assert code is None or result.returncode == code


def test_exit__events_of_the_hosts_own_exit_handlers__leave_too(server) -> None:
    host(server.url, "import atexit; atexit.register(momentum.track, 'logout', 'l1')")

    assert [event["kind"] for event in server.of_type("event")] == ["logout"]


def test_exit__server_away__ends_in_time(server) -> None:
    result = host("http://127.0.0.1:9", "momentum.track('login', 'l1')")

    assert result.returncode == 0
    assert "1 events were not delivered" in result.stderr


def test_exit__server_silent__ends_in_time(server) -> None:
    server.reply = lambda _asked: time.sleep(60)  # type: ignore[func-returns-value]
    result = host(server.url, "momentum.track('login', 'l1')")

    assert result.returncode == 0


FORK = """
    assert momentum.ready(30)
    for n in range(20): momentum.track("parent", f"l{n}")
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                assert momentum.counts().handed == 0
                assert momentum.is_on("new-home")
                for n in range(30): momentum.track("child", f"l{child}-{n}")
                assert momentum.flush(30)
                before = threading.active_count()
                assert momentum.refresh(30), "definitions are asked for in the child"
                assert before >= 3
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    momentum.track("parent", "afterwards")
    assert momentum.flush(30)
    assert momentum.refresh(30), "definitions are still asked for in the parent"
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks need a POSIX system")
def test_fork__each_process__sends_its_own_events_once(server) -> None:
    result = host(server.url, FORK)

    assert result.returncode == 0, result.stderr
    kinds = [event["kind"] for event in server.of_type("event")]
    assert (kinds.count("parent"), kinds.count("child")) == (21, 90)
    assert len(server.posts()) >= 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks need a POSIX system")
def test_fork__while_other_threads_hand_over__child_is_not_stuck(server) -> None:
    result = host(
        server.url,
        """
        stop = threading.Event()
        def work():
            while not stop.is_set():
                momentum.track("busy", "l1")
                momentum.variant("reward-ladder", "l1", {"role": "seller"})
        for _ in range(4): threading.Thread(target=work, daemon=True).start()
        for _ in range(10):
            pid = os.fork()
            if pid == 0:
                momentum.track("child", "l2")
                os._exit(0 if momentum.flush(10) else 1)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        """,
    )

    assert result.returncode == 0, result.stderr
    assert sum(event["kind"] == "child" for event in server.of_type("event")) == 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks need a POSIX system")
def test_fork__grandchild__works_too(server) -> None:
    result = host(
        server.url,
        """
        if (pid := os.fork()) == 0:
            if (inner := os.fork()) == 0:
                momentum.track("grandchild", "l1")
                os._exit(0 if momentum.flush(5) else 1)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
        assert os.waitpid(pid, 0)[1] == 0
        """,
    )

    assert result.returncode == 0, result.stderr
    assert len(server.of_type("event")) == 1


def test_abandoned_client__collected__delivers_and_ends_its_threads(connect, server) -> None:
    import threading

    from momentum_sdk import Momentum

    n_threads = threading.active_count()
    client = Momentum(server.url, "mo_server_x", flush_interval_s=60)
    client.track("login", "l1")

    del client
    gc.collect()

    assert wait_for(lambda: len(server.of_type("event")) == 1)
    assert wait_for(lambda: threading.active_count() <= n_threads + 2)  # the server's own two


def test_import__of_the_package__needs_no_http() -> None:
    code = f"import sys; sys.path.insert(0, {str(SDK)!r}); import momentum_sdk; print(*sys.modules)"

    result = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True
    )

    imported = set(result.stdout.split())
    assert "momentum_sdk.client" in imported
    assert imported.isdisjoint({"http.client", "ssl", "urllib.parse", "tempfile", "gzip"})
