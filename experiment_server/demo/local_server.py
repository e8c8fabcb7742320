"""A real ``momentum serve`` as a child process, on a store of its own, that never outlives us."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from experiment_server.settings import Settings

HOST: Final = "127.0.0.1"
READY_S: Final = 40.0
STOP_S: Final = 15.0
_POLL_S: Final = 0.1


class ServerError(RuntimeError):
    """The child server did not come up, or ended early; the sentence says where to look."""


@dataclass(frozen=True)
class LocalServer:
    """A running child server."""

    base_url: str
    settings: Settings
    log_path: Path
    process: subprocess.Popen[bytes]

    def check_alive(self) -> None:
        """Make sure that the child still runs.

        Raises:
            ServerError: it has ended.
        """
        code = self.process.poll()
        if code is not None:
            raise ServerError(f"the server ended with exit {code}; {_last_words(self.log_path)}")


def free_port(wanted: int) -> int:
    """The wanted port when nobody listens there, else a free one."""
    for port in (wanted, 0):
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((HOST, port))
                return int(probe.getsockname()[1])
    raise ServerError(f"no port is free on {HOST}; close a program that listens and try again")


def store_environment(data_dir: Path, port: int, outer: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process that works on a fresh embedded store in ``data_dir``."""
    kept = {name: value for name, value in outer.items() if not name.startswith("MOMENTUM_")}
    return {
        **kept,
        "MOMENTUM_DATA_DIR": str(data_dir),
        "MOMENTUM_HOST": HOST,
        "MOMENTUM_PORT": str(port),
        "MOMENTUM_LOG_LEVEL": "warning",
    }


@contextmanager
def running_server(data_dir: Path, port: int) -> Iterator[LocalServer]:
    """A server that is ready, and that is gone when the block ends, however it ends.

    Raises:
        ServerError: it does not come up.
    """
    variables = store_environment(data_dir, port, os.environ)
    log_path = data_dir / "server.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module, no outside input
            [sys.executable, "-m", "experiment_server.demo.child", str(os.getpid())],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone; we end the whole group
        )
    server = LocalServer(
        f"http://{HOST}:{port}", Settings.from_environment(variables), log_path, process
    )
    try:
        _wait_until_ready(server)
        yield server
    finally:
        stop_group(process)


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """End a child and all of its own children: politely, then for good."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
            break
    with suppress(ProcessLookupError):  # workers that outlived their master
        os.killpg(process.pid, signal.SIGKILL)


def _wait_until_ready(server: LocalServer) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        server.check_alive()
        with (
            suppress(URLError, ConnectionError, TimeoutError),
            urlopen(f"{server.base_url}/readyz", timeout=2) as answer,  # noqa: S310 - our own http address
        ):
            if answer.status == 200:
                return
        time.sleep(_POLL_S)
    raise ServerError(
        f"the server was not ready in {READY_S:.0f} s; {_last_words(server.log_path)}"
    )


def _last_words(log_path: Path) -> str:
    lines = log_path.read_text(errors="replace").strip().splitlines()
    return f"its log {log_path} ends with: {lines[-1]}" if lines else f"its log {log_path} is empty"
