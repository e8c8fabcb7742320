"""Forks, exits and abandoned clients, in real processes."""

import gc
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.sdk.test_faults import wait_for

SDK = Path(__file__).resolve().parents[2] / "sdk" / "python"


def host(url: str, code: str, **config: object) -> subprocess.CompletedProcess[str]:
    """A host process that has a client on the server and runs some code."""
    options = {
        "flush_interval_s": 60,
        "poll_interval_s": 0.05,
        "exit_timeout_s": 2,
        "request_timeout_s": 2,
    }
    start = f"""
        import os, sys, time, threading
        sys.path.insert(0, {str(SDK)!r})
        from momentum_sdk import Momentum
        def connect():
            return Momentum({url!r}, "mo_server_x", **{options | config!r})
        momentum = connect()
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


def test_exit__exit_handler_made_before_the_client__its_events_leave_too(server) -> None:
    code = """
        import atexit, sys
        sys.path.insert(0, SDK)
        import momentum_sdk
        atexit.register(lambda: momentum.track("logout", "l1"))
        momentum = momentum_sdk.Momentum(URL, "mo_server_x")
    """
    code = f"SDK, URL = {str(SDK)!r}, {server.url!r}\n{textwrap.dedent(code)}"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)

    assert [event["kind"] for event in server.of_type("event")] == ["logout"]


EXIT_LIMIT_S = 2
GENEROUS_S = 8  # for a busy machine; without the limit, one exit would take half a minute or more
SAY_WHEN = """
import atexit
atexit.register(lambda: print(time.monotonic(), flush=True))  # runs before the clients close
"""


def exit_of(url: str, n_clients: int) -> tuple[float, str]:
    """How long the exit of a host with some clients took, and what it logged."""
    code = f"clients = [momentum] + [connect() for _ in range({n_clients - 1})]\n{SAY_WHEN}"
    code += "for client in clients: client.track('login', 'l1')"
    config = {"request_timeout_s": 60, "retry_base_s": 30, "exit_timeout_s": EXIT_LIMIT_S}
    result = host(url, code, **config)
    assert result.returncode == 0, result.stderr
    return time.monotonic() - float(result.stdout), result.stderr


def test_exit__server_away__ends_in_time() -> None:
    took_s, logged = exit_of("http://127.0.0.1:9", 1)

    assert took_s < GENEROUS_S
    assert "1 events were not delivered" in logged


def test_exit__client_let_go_of_just_before__delivers(server) -> None:
    slowly = server.take_items

    def take_slowly(asked):
        time.sleep(0.5)
        return slowly(asked)

    server.take_items = take_slowly

    host(server.url, "momentum.track('login', 'l1')\ndel momentum")

    assert len(server.of_type("event")) == 1


@pytest.mark.parametrize("n_clients", [1, 6])
def test_exit__server_silent__ends_in_time_for_all_clients_together(server, n_clients) -> None:
    server.reply = lambda _asked: time.sleep(60)  # type: ignore[func-returns-value]

    took_s, logged = exit_of(server.url, n_clients)

    assert took_s < GENEROUS_S
    assert logged.count("1 events were not delivered") == n_clients


def test_exit__several_clients__each_delivers(server) -> None:
    exit_of(server.url, 6)

    assert len(server.of_type("event")) == 6


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


CHILDREN = """
    def hand_over(n=5):
        for number in range(n): momentum.track("child", f"l{{number}}")

    def end_oddly():
        hand_over()
        sys.exit(3)

    def make_its_own():
        own = connect()
        for number in range(5): own.track("child", f"l{{number}}")

    def have_a_child():
        inner = start(hand_over)
        hand_over()
        inner.join()

    def finalize():
        multiprocessing.util.Finalize(None, hand_over, exitpriority=0)

    def start(target):
        child = multiprocessing.get_context({method!r}).Process(target=target)
        child.start()
        return child

    def pool():
        with multiprocessing.get_context({method!r}).Pool(2) as workers:
            workers.map(hand_over, [5] * 4)
            workers.close()
            workers.join()

    def executor():
        from concurrent.futures import ProcessPoolExecutor
        context = multiprocessing.get_context({method!r})
        with ProcessPoolExecutor(2, mp_context=context) as workers:
            list(workers.map(hand_over, [5] * 4))

    if __name__ == "__main__":
        assert "multiprocessing.util" not in sys.modules, "the client does not import it"
        momentum.track("parent", "l1")
        import multiprocessing.util
        {does}
"""


def host_of_children(folder: Path, url: str, method: str, does: str) -> None:
    """A host in a file, as spawned children need it, that starts children and ends."""
    start = f"""
        import sys
        sys.path.insert(0, {str(SDK)!r})
        from momentum_sdk import Momentum
        def connect():
            return Momentum({url!r}, "mo_server_x", flush_interval_s=60)
        momentum = connect()
    """
    code = textwrap.dedent(start) + textwrap.dedent(CHILDREN.format(method=method, does=does))
    (folder / "lms.py").write_text(code)
    command = [sys.executable, str(folder / "lms.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


def kinds_at(server) -> tuple[int, int]:
    kinds = [event["kind"] for event in server.of_type("event")]
    return kinds.count("parent"), kinds.count("child")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks need a POSIX system")
@pytest.mark.parametrize(
    ("does", "n_events"),
    [
        ("start(hand_over).join()", 5),
        ("start(end_oddly).join()", 5),
        ("start(make_its_own).join()", 5),
        ("start(have_a_child).join()", 10),
        ("start(finalize).join()", 5),
        ("pool()", 20),
        ("executor()", 20),
    ],
)
def test_multiprocessing__forked_child_ends__its_events_arrive_once(
    server, tmp_path, does, n_events
) -> None:
    host_of_children(tmp_path, server.url, "fork", does)

    assert kinds_at(server) == (1, n_events)
    sent = [item for asked in server.posts() for item in json.loads(asked.body)["items"]]
    assert len(sent) == 1 + n_events, "nobody sends what another process sent"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing__other_ways_to_start__events_arrive_once(server, tmp_path, method) -> None:
    host_of_children(tmp_path, server.url, method, "start(hand_over).join()")

    assert kinds_at(server) == (1, 5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks need a POSIX system")
def test_multiprocessing__package_first_loaded_in_the_child__events_arrive(server) -> None:
    code = """
        import multiprocessing, sys
        def work():
            sys.path.insert(0, SDK)
            from momentum_sdk import Momentum
            Momentum(URL, "mo_server_x").track("child", "l1")
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        child.join()
    """
    code = f"SDK, URL = {str(SDK)!r}, {server.url!r}\n{textwrap.dedent(code)}"

    subprocess.run([sys.executable, "-c", code], check=True, timeout=50)

    assert kinds_at(server) == (0, 1)


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


def test_import__of_the_package__needs_no_http_and_no_engine() -> None:
    code = f"import sys; sys.path.insert(0, {str(SDK)!r}); import momentum_sdk; print(*sys.modules)"

    result = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True
    )

    imported = set(result.stdout.split())
    assert "momentum_sdk.client" in imported
    assert imported.isdisjoint(
        {
            "momentum_sdk._assignment",
            "secrets",
            "http.client",
            "ssl",
            "urllib.parse",
            "tempfile",
            "gzip",
            "multiprocessing",
        }
    )


def test_import__what_is_loaded_late__is_there_when_asked_for() -> None:
    code = f"""
        import sys
        sys.path.insert(0, {str(SDK)!r})
        import momentum_sdk
        assert momentum_sdk.StickyStore.__name__ == "StickyStore"
        assert momentum_sdk.engine() in ("plain", "compiled")
        payload = {{"features": {{"f": {{"defaultValue": True}}}}}}
        momentum = momentum_sdk.Momentum("nowhere", "x", offline=True, payload=payload)
        before = set(sys.modules)
        assert momentum.is_on("f", "l1")
        print(*sorted(set(sys.modules) - before))
    """

    result = subprocess.run(
        [sys.executable, "-S", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout.split() == []  # the first decision loads nothing more
