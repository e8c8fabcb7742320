import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.oulad_sample import write_sample
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
REAL_LOG = ROOT.parent / "shared" / "data" / "oulad"
QUESTIONS = (
    "Are learners returning consistently?",
    "Which activities sustain participation?",
    "Where do drop-offs occur?",
    "Which incentives drive engagement?",
    "Are engaged learners outperforming their peers?",
)


def replay(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / "replay_oulad.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


LOGS = ("sample", "Open University") if REAL_LOG.is_dir() else ("sample",)


@pytest.mark.slow
@pytest.mark.parametrize("log", LOGS)
def test_replay__whole_log__finds_no_winner_and_answers_five_questions(tmp_path, log):
    folder = write_sample(tmp_path) if log == "sample" else REAL_LOG

    ended = replay(str(folder), "--once", "--port", str(free_port()))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    verdict = re.search(r"^A/A test: (.+)$", ended.stdout, re.MULTILINE).group(1)
    assert verdict in ("NO MEANINGFUL DIFFERENCE", "INCONCLUSIVE")
    lines = ended.stdout.splitlines()
    for question in QUESTIONS:
        assert lines[lines.index(question) + 1].strip().endswith((".", ")"))


def test_replay__no_such_folder__is_one_clear_line(tmp_path):
    ended = replay(str(tmp_path / "nowhere"), "--once")

    assert ended.returncode == 2
    assert ended.stderr.strip().splitlines() == [
        f"{tmp_path / 'nowhere' / 'studentVle.csv'}: no such file; give a folder with "
        "studentVle.csv, vle.csv, studentInfo.csv, studentRegistration.csv"
    ]


def test_replay__server_that_is_not_there__is_one_clear_line(tmp_path):
    ended = replay(
        str(write_sample(tmp_path)), "--base-url", "http://127.0.0.1:9", "--key", "mo_manage_x"
    )

    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "http://127.0.0.1:9" in ended.stderr


def test_replay__base_url_without_key__says_that_they_go_together(tmp_path):
    ended = replay(str(write_sample(tmp_path)), "--base-url", "http://127.0.0.1:9")

    assert ended.returncode == 2
    assert "--base-url and --key go together" in ended.stderr
