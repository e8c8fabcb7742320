"""What does not fit into memory: where it lies, who can see it, and that nothing stays."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

import analysis
import experiment_server
from analysis.engines import connect, spill
from analysis.engines.duckdb import open_session

MUCH = "CREATE TEMP TABLE much AS SELECT range AS i, hash(range)::VARCHAR AS t FROM range(2000000)"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The system's place for such files, and a working directory: both empty."""
    (tmp_path / "work").mkdir()
    (tmp_path / "system").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "system"))
    monkeypatch.setattr(spill, "_folders", {})
    return tmp_path / "system"


def of_the_lake(_folder):
    return connect({}, {"events": pa.schema([("learner", pa.string())])})


def of_a_source(folder):
    duckdb.connect(str(folder / "source.duckdb")).close()
    session = open_session(folder / "source.duckdb", read_only=True)
    session.raw_sql("SET enable_external_access = false")
    return session


@pytest.mark.parametrize("opened", [of_the_lake, of_a_source], ids=lambda each: each.__name__)
def test_session__memory_is_short__spills_into_a_private_folder(place, opened, tmp_path):
    session = opened(tmp_path)
    session.raw_sql("SET memory_limit = '60MB'")
    session.raw_sql("SET threads = 1")

    session.raw_sql(MUCH)

    (folder,) = place.iterdir()
    assert list(folder.glob("*/duckdb_temp_storage*"))
    assert folder.stat().st_mode & 0o777 == 0o700
    session.disconnect()
    assert [each.name for each in folder.iterdir()] == ["in-use"]
    assert list(Path.cwd().iterdir()) == []
    assert {each.name for each in tmp_path.iterdir()} <= {"work", "system", "source.duckdb"}


def process(body):
    """Another process, with the same place for such files."""
    code = f"import os; from analysis.engines.spill import new_folder; print(new_folder()); {body}"
    environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
    root = Path(analysis.__file__).parent.parent
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_folder__the_process_ends__is_gone(place):
    ended = process("")

    assert Path(ended.stdout).parent.parent == place
    assert list(place.iterdir()) == []


def test_folder__a_process_was_killed__goes_with_the_next_one(place):
    alive = spill.new_folder().parent
    killed = process("os.kill(os.getpid(), 9)")
    assert killed.returncode == -signal.SIGKILL
    assert len(list(place.iterdir())) == 2

    process("")

    assert list(place.iterdir()) == [alive]


def test_folder__somebody_tidied_up__is_made_again(place):
    first = spill.new_folder().parent
    for file in first.iterdir():
        file.unlink()
    first.rmdir()

    second = spill.new_folder().parent

    assert list(place.iterdir()) == [second]


def test_sources__every_session_of_duckdb__is_opened_in_one_place():
    folders = (Path(package.__file__).parent for package in (analysis, experiment_server))
    opening = {
        path.name
        for folder in folders
        for path in folder.rglob("*.py")
        if "duckdb.connect(" in path.read_text()
    }

    # engines/__init__ calls our own engine's `connect`.
    assert opening == {"duckdb.py", "__init__.py"}
