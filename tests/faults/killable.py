"""A real server in its own process group, to be killed, and senders that keep their own ledger."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.ports import free_port

MOMENTUM = (sys.executable, "-m", "experiment_server.cli")
READY_S = 60


class KillableServer:
    """``momentum serve`` on a store that survives it."""

    def __init__(self, database_url, data_dir, seal_seconds=0.2):
        self.port = free_port()
        self.env = {
            **os.environ,
            "MOMENTUM_DATABASE_URL": database_url,
            "MOMENTUM_DATA_DIR": str(data_dir),
            "MOMENTUM_PORT": str(self.port),
            "MOMENTUM_SEAL_SECONDS": str(seal_seconds),
            "MOMENTUM_LOG_LEVEL": "warning",
        }
        self._log = (data_dir / "server.log").open("ab")
        self._process = None

    def start(self):
        """Start it; how long it took until it was ready, in seconds."""
        began = time.monotonic()
        self._process = subprocess.Popen(
            [*MOMENTUM, "serve"],
            env=self.env,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        while not self._is_ready():
            self.check_alive()
            assert time.monotonic() - began < READY_S, "the server is not ready"
            time.sleep(0.02)
        return time.monotonic() - began

    def kill(self):
        """SIGKILL to the whole process group: nothing gets to clean up."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}"

    def check_alive(self):
        assert self._process.poll() is None, self._last_words()

    def close(self):
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self._log.close()

    def _last_words(self):
        text = Path(self._log.name).read_text(errors="replace")
        return f"the server ended by itself: {text[-2000:]}"

    def _is_ready(self):
        try:
            with closing(HTTPConnection("127.0.0.1", self.port, timeout=2)) as connection:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False


class Sender(threading.Thread):
    """One client: sends batches, writes down what it sent and what was acknowledged."""

    def __init__(self, name, server, key, batch_size=20):
        super().__init__(name=name, daemon=True)
        self.sent, self.acked, self.unexpected = set(), set(), []
        self.n_retries = 0
        self._server, self._key, self._batch_size = server, key, batch_size
        self._enough = threading.Event()
        self._number = 0

    def run(self):
        while not self._enough.is_set():
            batch = self._new_batch()
            while not self._post(batch):  # the same ids until they are acknowledged
                self.n_retries += 1
                time.sleep(0.05)

    def finish(self):
        """Stop after the batch under way is acknowledged."""
        self._enough.set()
        self.join(READY_S)
        assert self.sent == self.acked, self.unexpected[:3]

    def _new_batch(self):
        ids = [f"{self.name}-{self._number + n}" for n in range(self._batch_size)]
        self._number += self._batch_size
        self.sent.update(ids)
        return ids

    def _post(self, ids):
        now = datetime.now(UTC).isoformat()
        items = [
            {"type": "event", "id": i, "kind": "sale", "learner": f"learner of {i}", "at": now}
            for i in ids
        ]
        body = json.dumps({"items": items})
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            with closing(HTTPConnection("127.0.0.1", self._server.port, timeout=20)) as connection:
                connection.request("POST", "/api/v1/events", body, headers)
                answer = connection.getresponse()
                text = answer.read()
        except (OSError, HTTPException):
            return False  # the server died: whether it has the batch, nobody knows
        if answer.status == 202:
            self.acked.update(ids)
        elif answer.status != 503:
            self.unexpected.append((answer.status, text[:500]))
        return answer.status == 202


def kill_again_and_again(server, kills, seed):
    """Restart and kill at moments that the seed chooses; the slowest start, in seconds."""
    rng = random.Random(seed)
    slowest = 0.0
    for _ in range(kills):
        time.sleep(rng.uniform(0.2, 1.4))
        server.kill()
        slowest = max(slowest, server.start())
    return slowest
