"""Replay a real learning log through Momentum's own API, and ask it the five questions.

    python examples/replay_oulad.py DIR [--once] [--port 8080] [--base-url URL --key KEY]

DIR holds the Open University Learning Analytics Dataset, or a part of it: studentVle.csv, vle.csv,
studentInfo.csv, studentRegistration.csv. Days are shifted so that the log ends yesterday. The SDK
randomises the learners into two identical variants: an A/A test, which must find no winner; the
exit code is 1 when it does, and 2 when DIR or the server cannot be used. Without --base-url the
script starts a server of its own. With it, KEY is a management key with the role admin, and the
replay lands in that key's environment.
"""

import argparse
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from types import FrameType
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent))  # it runs from any folder

from momentum_sdk import Momentum
from oulad_log import BadLogError, LogEntry, OuladLog, open_log
from simulated_lms.lms import open_client

from experiment_server.db import Database
from experiment_server.demo.definitions import open_store
from experiment_server.demo.local_server import ServerError, free_port, running_server
from experiment_server.demo.management import ApiError, ManagementApi
from experiment_server.demo.play import LostEventsError, hand_over
from experiment_server.observe import configure_logging

EXPERIMENT: Final = "oulad-aa"
METRIC: Final = "oulad_energize_score"
MINIMUM_EFFECT: Final = 10.0  # score points: what some 370 learners in one week can tell
SHORTEST_CALIBRATION_DAYS: Final = 7
WINNERS: Final = ("SHIP", "ROLL BACK")
LOOK_S: Final = 180.0  # how long the scheduler may take to read the experiment
OK, FOUND_A_WINNER, REFUSED, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Access:
    """A server to replay to."""

    base_url: str
    management_key: str
    sign_in: str  # a sentence for people


@dataclass(frozen=True)
class Replay:
    """One log on its way into one environment."""

    log: OuladLog
    access: Access
    api: ManagementApi
    environment: str

    def run(self) -> str:
        """Send the log, run the A/A test, print what was learned; gives the verdict."""
        base = f"/environments/{self.environment}"
        start = self.log.midnight(self.log.start_day)
        self._define(base)
        secret = self.api.post(f"{base}/keys", {"kind": "server", "title": "OULAD replay"})
        n_before = self._send(secret["secret"], before=start)
        days = max(self.log.window_days, SHORTEST_CALIBRATION_DAYS)
        wish = {"until": start.isoformat(), "window_days": days}
        self.api.post(f"{base}/score-versions", wish)
        started = {"started_at": start.isoformat()}
        self.api.post(f"{base}/experiments/{EXPERIMENT}/start", started)
        n_after = self._send(secret["secret"], since=start)
        self.api.post(f"{base}/experiments/{EXPERIMENT}/stop", {"reason": "the log is over"})
        print(f"Replayed {n_before:,} entries before the experiment and {n_after:,} in it.\n")
        verdict = self._await_look(base)
        self._print_answers(base)
        return verdict

    def _define(self, base: str) -> None:
        """The metric and the A/A experiment, as drafts: a second replay is refused here."""
        window_days = self.log.window_days
        self.api.post(
            "/metrics",
            {
                "key": METRIC,
                "title": "Energize Score",
                "kind": "score",
                "window_days": window_days,
                "unit_label": "points",
            },
        )
        self.api.post(
            f"{base}/experiments",
            {
                "key": EXPERIMENT,
                "title": "A/A test on the replayed log",
                "hypothesis": "Two identical variants differ by chance alone.",
                "domain": "other",
                "variants": [{"key": "a1", "weight": 0.5}, {"key": "a2", "weight": 0.5}],
                "metrics": [
                    {"metric": METRIC, "role": "primary", "minimum_effect": MINIMUM_EFFECT},
                    {"metric": "active_days", "role": "secondary"},
                ],
                # One look, planned for after today: stopping the experiment brings it forward.
                "schedule": {"looks": 1, "first_after_days": window_days + 1},
                "analysis": {"minimum_days": window_days},
            },
        )

    def _send(self, key: str, before: datetime | None = None, since: datetime | None = None) -> int:
        """Send the entries of one side of the start; gives how many."""
        n_sent = 0
        with open_client(self.access.base_url, key) as momentum:
            if since is None:
                self._describe(momentum)
            else:
                self._expose(momentum, since)
            later = self._results() if since is not None else iter(())
            for entry in chain(self.log.entries(), later):
                if (before is None or entry.at < before) and (since is None or entry.at >= since):
                    momentum.track(
                        entry.kind, entry.learner, entry.value, entry.properties, at=entry.at
                    )
                    n_sent += 1
            hand_over(momentum)
        return n_sent

    def _describe(self, momentum: Momentum) -> None:
        told_at = self.log.midnight(self.log.first_day)
        for student in self.log.students:
            attributes = {
                "role": "student",
                "region": student.region,
                "started_on": self.log.midnight(student.registered_day).date().isoformat(),
            }
            momentum.identify(student.learner, attributes, at=told_at)

    def _expose(self, momentum: Momentum, at: datetime) -> None:
        """Everyone enrolled meets a variant as the experiment begins, active or not."""
        for student in self.log.enrolled(self.log.start_day):
            attributes = {"role": "student", "region": student.region}
            momentum.variant(EXPERIMENT, student.learner, attributes, at=at)

    def _results(self) -> Iterator[LogEntry]:
        """The final results, which came months later, dated on the log's last day."""
        at = self.log.midnight(self.log.last_day + 1) - timedelta(minutes=1)
        for student in self.log.students:
            if student.result_share is not None:
                yield LogEntry("quota_attainment", student.learner, at, student.result_share, {})

    def _await_look(self, base: str) -> str:
        """Wait for the scheduler's look; gives the verdict.

        Raises:
            ServerError: it did not come.
        """
        deadline = time.monotonic() + LOOK_S
        while time.monotonic() < deadline:
            for readout in self.api.get(f"{base}/experiments/{EXPERIMENT}/readouts")["items"]:
                if readout["look"] is not None:
                    print(f"A/A test: {readout['verdict']}\n  {readout['reason']}\n")
                    return str(readout["verdict"])
            time.sleep(0.5)
        raise ServerError(f"no look at {EXPERIMENT} within {LOOK_S:.0f} s; is its scheduler on?")

    def _print_answers(self, base: str) -> None:
        for answer in self.api.get(f"{base}/questions")["answers"]:
            print(answer["title"])
            print(f"  {answer['sentence']}")
            if answer["caution"]:
                print(f"  ({answer['caution']})")


def main(arguments: Sequence[str]) -> int:
    """Replay as the command line asks; gives the exit code."""
    options = _parse(arguments)
    configure_logging("warning")
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    try:
        log = open_log(options.dir, datetime.now(UTC).date())
        with _server(options) as access:
            verdict = _replay(log, access)
            if options.base_url is None and not options.once:
                _stay(access)
    except (ApiError, BadLogError, ConnectionError, LostEventsError, ServerError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    return FOUND_A_WINNER if verdict in WINNERS else OK


def _replay(log: OuladLog, access: Access) -> str:
    print(
        f"{len(log.students):,} learners, days {log.first_day} to {log.last_day} of the log; the "
        f"A/A test's window is the last {log.window_days} days."
    )
    api = ManagementApi(access.base_url, access.management_key)
    environment = api.get("/environments")["items"][0]["key"]
    return Replay(log, access, api, environment).run()


@contextmanager
def _server(options: argparse.Namespace) -> Iterator[Access]:
    """The server that was named, or one of our own on a fresh store."""
    if options.base_url is not None:
        yield Access(options.base_url.rstrip("/"), options.key, "")
        return
    with (
        tempfile.TemporaryDirectory(prefix="momentum-oulad-") as folder,
        running_server(Path(folder), free_port(options.port)) as server,
    ):
        database = Database(server.settings.database_url)
        try:
            opened = open_store(database, "replay@example.org")
        finally:
            database.dispose()
        sign_in = f"e-mail {opened.email}, password {opened.password}"
        yield Access(server.base_url, opened.management_key, sign_in)


def _stay(access: Access) -> None:
    print(f"\nLook around at {access.base_url}: {access.sign_in}. Ctrl-C ends the server.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("\nThe server is down.")


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Replay a real learning log through Momentum.")
    parser.add_argument("dir", type=Path, metavar="DIR", help="a folder with the OULAD tables")
    parser.add_argument("--once", action="store_true", help="end when everything is printed")
    parser.add_argument("--port", type=int, default=8080, help="of the script's own server")
    parser.add_argument("--base-url", help="replay to this server instead of an own one")
    parser.add_argument("--key", help="a management key with the role admin, for --base-url")
    options = parser.parse_args(arguments)
    if (options.base_url is None) != (options.key is None):
        parser.error("--base-url and --key go together: the server, and a management key of it")
    return options


def _interrupt(_signal: int, _frame: FrameType | None) -> Any:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
