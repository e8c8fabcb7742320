"""What the store's benchmark needs around it: events as bodies, a real server, its senders."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import orjson

from analysis.kinds import KINDS
from benchmarks._measure import core_seconds_of
from experiment_server.columns import utc_now
from experiment_server.db import Database
from experiment_server.demo.local_server import free_port
from experiment_server.environments import service as environments
from experiment_server.security.roles import SYSTEM

BATCH: Final = 500
N_LEARNERS: Final = 20_000
READY_S: Final = 60.0

Item = dict[str, Any]


def make_items(n: int, seed: int, *, numbered: bool = True) -> list[Item]:
    """Events of a day as an LMS sends them.

    ``numbered``: ids as the SDKs make them; else random UUIDs, the hardest for a ledger.
    """
    rng = random.Random(seed)
    now = datetime.now(UTC).replace(microsecond=0)
    prefix = rng.randbytes(10).hex()
    return [
        _item(rng, now, f"{prefix}-{number:x}" if numbered else _uuid(rng)) for number in range(n)
    ]


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _item(rng: random.Random, now: datetime, item_id: str) -> Item:
    item: Item = {
        "type": "event",
        "id": item_id,
        "kind": rng.choice(KINDS).name,
        "learner": f"learner-{rng.randrange(N_LEARNERS):06d}",
        "at": (now - timedelta(seconds=rng.randrange(86_400))).isoformat(),
    }
    if rng.random() < 0.3:
        item["value"] = rng.randrange(1_000) / 10
    if rng.random() < 0.5:
        item["properties"] = {
            "activity": f"quiz-{rng.randrange(40)}",
            "course": "negotiation",
            "step": rng.randrange(1, 9),
        }
    return item


def batches(items: Sequence[Any]) -> list[Sequence[Any]]:
    """The items in batches of 500."""
    return [items[first : first + BATCH] for first in range(0, len(items), BATCH)]


def as_bodies(items: Sequence[Item]) -> list[bytes]:
    """The request bodies that carry the items."""
    return [orjson.dumps({"items": batch}) for batch in batches(items)]


class Server:
    """``momentum serve`` without a schedule."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, key: str) -> None:
        self.port, self.key = port, key
        self._process = process

    def cpu_s(self) -> float:
        """What the server has had of the processors until now, in core-seconds."""
        return core_seconds_of(self._process.pid)  # its process group

    def send(self, bodies: Sequence[bytes], n_clients: int) -> float:
        """Send all from several clients, each on one connection; how long it took, in seconds."""
        waiting = list(bodies)
        errors: list[str] = []

        def client() -> None:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
                while not errors:
                    try:
                        body = waiting.pop()
                    except IndexError:
                        return
                    if problem := _post(connection, self.key, body):
                        errors.append(problem)

        clients = [threading.Thread(target=client) for _ in range(n_clients)]
        begin = time.perf_counter()
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        took = time.perf_counter() - begin
        if errors or waiting:
            raise RuntimeError(f"a batch was not taken whole: {errors[:1]}")
        return took


def _post(connection: HTTPConnection, key: str, body: bytes) -> str | None:
    """Send a batch; what was wrong with the answer, if anything."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/events", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    whole = answer.status == 202 and orjson.loads(text)["accepted"] == BATCH
    return None if whole else f"{answer.status} {text[:300]!r}"


@contextmanager
def running(database: Database, folder: Path, n_workers: int = 1) -> Iterator[Server]:
    """A server on this database, until the block ends."""
    with database.write() as session:
        place = environments.load_environment(session, "production")
        key = environments.create_key(session, SYSTEM, place, ("server", None, "bench"), utc_now())
    port = free_port(0)
    variables = {
        **os.environ,
        "MOMENTUM_DATABASE_URL": database.url.render_as_string(hide_password=False),
        "MOMENTUM_DATA_DIR": str(folder),
        "MOMENTUM_PORT": str(port),
        "MOMENTUM_WORKERS": str(n_workers),
        "MOMENTUM_LOG_LEVEL": "error",
        "MOMENTUM_SCHEDULER": "off",
    }
    command = [sys.executable, "-m", "experiment_server.cli", "serve"]
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait(process, port)
        yield Server(process, port, key[1])
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with closing(HTTPConnection("127.0.0.1", port, timeout=2)) as connection:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server was not ready in {READY_S:.0f} s; is the port {port} taken?")
