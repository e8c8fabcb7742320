"""The main job by its one command: a real server, the SDK over HTTP, scheduled looks."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 280  # far above what it takes, for a machine that is busy with other tests
VERDICT_OF_TRUTH = {
    "better": "SHIP",
    "none": "NO MEANINGFUL DIFFERENCE",
    "worse": "ROLL BACK",
}
# Below 5,000 learners the intervals are wider: see docs/demo.md for what each size can tell.
N_LEARNERS = 2_500


def demo(*arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "experiment_server.cli", "demo", *arguments],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A test run in the background ignores Ctrl-C, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        **options,
    )


def processes_with(word: str) -> list[str]:
    """The command lines and surroundings of living processes that know this word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            surroundings = (folder / "environ").read_bytes()
        except OSError:
            continue  # it ended meanwhile, or belongs to somebody else
        if word.encode() in surroundings:
            found.append(folder.name)
    return found


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What one whole run wrote and printed."""
    folder = tmp_path_factory.mktemp("demo")
    process = demo(
        *("--once", "--learners", str(N_LEARNERS), "--seed", "1", "--port", str(free_port())),
        *("--json", str(folder / "demo.json"), "--data-dir", str(folder / "store")),
    )
    printed, complaints = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, complaints + printed
    return json.loads((folder / "demo.json").read_text()), printed, folder


@pytest.mark.slow
def test_demo__once__decides_as_planted(outcome):
    written, _, _ = outcome

    assert {one["key"]: one["truth"] for one in written["experiments"]} == {
        "streak-bonus": "better",
        "challenge-cards": "none",
        "hard-first": "worse",
        "manager-nudge": "better",
    }
    for one in written["experiments"]:
        assert one["decision"] == VERDICT_OF_TRUTH[one["truth"]], one
        assert one["agrees"] is True


@pytest.mark.slow
def test_demo__json__has_the_promised_shape(outcome):
    written, _, _ = outcome

    assert set(written) == {"seed", "experiments", "timings"}
    assert written["seed"] == 1
    for one in written["experiments"]:
        assert set(one) == {"key", "domain", "unit", "truth", "decision", "agrees"}
    assert [one["domain"] for one in written["experiments"]] == [
        "incentive",
        "challenge_format",
        "sequencing",
        "messaging",
    ]
    assert [one["unit"] for one in written["experiments"]] == ["learner"] * 3 + ["team"]
    assert written["timings"]["events"] > 50 * N_LEARNERS
    assert written["timings"]["total_s"] < LIMIT_S


@pytest.mark.slow
def test_demo__printed__names_each_truth_and_why(outcome):
    written, printed, _ = outcome

    for one in written["experiments"]:
        assert one["key"] in printed
    assert "raises Energize Score by" in printed
    assert "lowers Energize Score by" in printed


@pytest.mark.slow
def test_demo__once__leaves_no_process(outcome):
    _, _, folder = outcome

    assert processes_with(str(folder / "store")) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sign", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["Ctrl-C", "SIGTERM", "SIGKILL"],
)
def test_demo__ended_while_importing__leaves_no_process(tmp_path, sign, code):
    store = tmp_path / "store"
    process = demo("--learners", "2000", "--port", "18490", "--data-dir", str(store))
    deadline = time.monotonic() + 90
    while not (store / "lake").exists():  # the first rows are sealed: the import is under way
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)

    process.send_signal(sign)
    process.communicate(timeout=60)

    assert process.returncode == code
    deadline = time.monotonic() + 30
    while processes_with(str(store)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_with(str(store)) == []


def test_demo__data_dir_in_use__is_refused_in_one_line(tmp_path):
    (tmp_path / "keep.txt").write_text("mine")
    process = demo("--once", "--data-dir", str(tmp_path))

    _, complaints = process.communicate(timeout=60)

    assert process.returncode == 2
    assert complaints.strip().splitlines() == [
        f"--data-dir {tmp_path} is not empty; name a new folder"
    ]


def test_demo__too_few_learners__is_refused():
    process = demo("--once", "--learners", "10")

    _, complaints = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "50" in complaints
    assert os.linesep in complaints
