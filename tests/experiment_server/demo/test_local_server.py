import signal
import socket
import subprocess
import sys
from contextlib import closing
from urllib.request import urlopen

import pytest

from experiment_server.demo.local_server import (
    HOST,
    ServerError,
    free_port,
    running_server,
    stop_group,
    store_environment,
)


def living_in_group(leader: int) -> set[int]:
    """The processes of a group, those aside that are dead and wait to be buried."""
    listing = subprocess.run(
        ["ps", "-e", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in listing.stdout.splitlines()]
    return {int(pid) for pid, group, stat in rows if int(group) == leader and stat[0] != "Z"}


def test_free_port__taken__gives_another():
    with closing(socket.socket()) as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert free_port(port) != port


def test_free_port__free__gives_the_wanted_one():
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]

    assert free_port(port) == port


def test_store_environment__outer_store__is_forgotten(tmp_path):
    outer = {"PATH": "/bin", "MOMENTUM_DATABASE_URL": "postgresql://production/momentum"}

    variables = store_environment(tmp_path, 8123, outer)

    assert "MOMENTUM_DATABASE_URL" not in variables
    assert variables["PATH"] == "/bin"
    assert variables["MOMENTUM_DATA_DIR"] == str(tmp_path)


def test_stop_group__deaf_child_with_a_child__leaves_nobody(monkeypatch):
    monkeypatch.setattr("experiment_server.demo.local_server.STOP_S", 0.5)
    deaf = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('up', flush=True)\n"
        "time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", deaf], stdout=subprocess.PIPE, start_new_session=True
    )
    child.stdout.readline()

    stop_group(child)

    child.stdout.close()
    assert child.returncode == -signal.SIGKILL
    assert living_in_group(child.pid) == set()


@pytest.mark.slow
def test_running_server__block_fails__leaves_no_process(tmp_path):
    leaders: list[int] = []

    def fail_while_it_runs() -> None:
        with running_server(tmp_path, free_port(18_080)) as server:
            with urlopen(f"{server.base_url}/healthz") as answer:
                assert answer.status == 200
            leaders.append(server.process.pid)
            assert len(living_in_group(server.process.pid)) >= 2
            raise RuntimeError("something went wrong in the demo")

    with pytest.raises(RuntimeError, match="something went wrong"):
        fail_while_it_runs()

    assert living_in_group(leaders[0]) == set()


@pytest.mark.slow
def test_running_server__unusable_store__says_what_its_log_says(tmp_path):
    (tmp_path / "momentum.db").write_text("this is no database at all, only text " * 50)

    with (
        pytest.raises(ServerError, match=r"the server ended with exit \d+; its log"),
        running_server(tmp_path, free_port(18_080)),
    ):
        pass
