import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from experiment_server.commands import serve
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]


def momentum(tmp_path, *arguments, text_in="", **variables):
    return subprocess.run(
        [sys.executable, "-m", "experiment_server.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "MOMENTUM_DATA_DIR": str(tmp_path), **variables},
        input=text_in,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def server(tmp_path, database_url):
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "experiment_server.cli", "serve", "--port", str(port)],
        cwd=ROOT,
        env={
            **os.environ,
            "MOMENTUM_DATA_DIR": str(tmp_path),
            "MOMENTUM_DATABASE_URL": database_url,
            "MOMENTUM_WORKERS": "2",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield port, process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_until_ready(port):
    for _ in range(200):
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                return answer.status
        except (URLError, ConnectionError):
            time.sleep(0.1)
    return None


def test_serve__two_workers__answer_and_end_politely_on_sigterm(server):
    port, process = server

    assert wait_until_ready(port) == 200
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=15)

    assert process.returncode == 0
    assert f"Momentum serves at http://127.0.0.1:{port}" in output
    assert "Traceback" not in output


def test_serve__port_taken__says_so_in_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        answer = momentum(tmp_path, "serve", "--port", str(port))

    assert answer.returncode == 2
    assert f"Cannot listen on 127.0.0.1:{port}" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_port_check__free_port__passes():
    serve._check_port("127.0.0.1", free_port())


def test_command__bad_variable__is_one_line_and_exit_2(tmp_path):
    answer = momentum(tmp_path, "member", "list", MOMENTUM_WORKERS="many")

    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("MOMENTUM_WORKERS: found 'many'")
