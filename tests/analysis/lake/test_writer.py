import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from analysis.lake.reader import Lake
from analysis.lake.schema import TABLES
from analysis.lake.writer import append, last_sequence
from tests.analysis.lakes import day, event, exposure, rows_of


def rows(*names):
    return rows_of("events", [event(name, "session_started", day(0)) for name in names])


def learners_in(root):
    return sorted(Lake.open(root).table("events").learner.to_pyarrow().to_pylist())


def test_append__repeated_with_the_same_sequence__is_there_once(tmp_path):
    first = append(tmp_path, "events", rows("ada", "bo"), "buffer", 2)
    again = append(tmp_path, "events", rows("ada", "bo"), "buffer", 2)

    assert again == first
    assert learners_in(tmp_path) == ["ada", "bo"]


def test_append__a_later_sequence__is_added(tmp_path):
    append(tmp_path, "events", rows("ada"), "buffer", 1)
    append(tmp_path, "events", rows("bo"), "buffer", 5)
    append(tmp_path, "events", rows("too late"), "buffer", 4)

    assert learners_in(tmp_path) == ["ada", "bo"]
    assert last_sequence(tmp_path, "events", "buffer") == 5


def test_append__another_writer__counts_for_itself(tmp_path):
    append(tmp_path, "events", rows("ada"), "buffer", 7)
    append(tmp_path, "events", rows("bo"), "import", 1)

    assert learners_in(tmp_path) == ["ada", "bo"]
    assert last_sequence(tmp_path, "events", "import") == 1


def test_last_sequence__nothing_written__is_minus_one(tmp_path):
    assert last_sequence(tmp_path, "events", "buffer") == -1


def test_append__unknown_table__says_which_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"found 'clicks', expected one of events, exposures"):
        append(tmp_path, "clicks", rows("ada"), "buffer", 1)


def test_append__a_column_is_missing__is_named(tmp_path):
    with pytest.raises(ValueError, match="events: column kind is missing"):
        append(tmp_path, "events", rows("ada").drop_columns(["kind"]), "buffer", 1)


def test_append__many_writers_of_the_same_rows__are_there_once(tmp_path):
    def write(sequence):
        return append(tmp_path, "events", rows(f"learner-{sequence}"), "buffer", sequence)

    # Six writers race for each sequence number before the next one comes.
    with ThreadPoolExecutor(6) as pool:
        for sequence in range(1, 6):
            list(pool.map(write, [sequence] * 6))

    assert learners_in(tmp_path) == [f"learner-{sequence}" for sequence in range(1, 6)]


def test_append__many_writers_of_different_rows__all_are_there(tmp_path):
    """Each round begins without a table: who creates it is a race of its own."""
    for number in range(10):
        root = tmp_path / str(number)

        def write(writer, root=root):
            return append(root, "events", rows(f"learner-{writer}"), f"writer-{writer}", 1)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(write, range(6)))

        assert learners_in(root) == [f"learner-{writer}" for writer in range(6)]


def test_append__another_writer_creates_the_table_first__goes_on(tmp_path, monkeypatch):
    create = DeltaTable.create

    def beaten(address, **given):
        create(address, **given)
        raise CommitFailedError("somebody was faster")

    monkeypatch.setattr(DeltaTable, "create", beaten)
    append(tmp_path, "events", rows("ada"), "buffer", 1)

    assert learners_in(tmp_path) == ["ada"]


KILLED = """
import os, signal, sys
from analysis.lake import writer
from tests.analysis.lake.test_writer import rows

if sys.argv[2] == "after":
    # The commit is in the log; the caller never hears of it.
    writer._make_durable = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
else:
    commit = writer._commit
    def killed(table, rows, app_id, sequence):
        os.kill(os.getpid(), signal.SIGKILL)
    writer._commit = killed
writer.append(sys.argv[1], "events", rows("ada", "bo"), "buffer", 2)
"""


@pytest.mark.parametrize(("moment", "there_after_kill"), [("before", -1), ("after", 2)])
def test_append__killed_around_the_commit_and_repeated__is_there_once(
    tmp_path, moment, there_after_kill
):
    command = [sys.executable, "-c", KILLED, str(tmp_path), moment]
    killed = subprocess.run(command, check=False, timeout=60)
    found = last_sequence(tmp_path, "events", "buffer")
    append(tmp_path, "events", rows("ada", "bo"), "buffer", 2)

    assert killed.returncode == -9
    assert found == there_after_kill
    assert learners_in(tmp_path) == ["ada", "bo"]


def test_append__to_a_table_from_before_a_column__adds_it_and_reads_old_rows_as_null(tmp_path):
    young = TABLES["exposures"]
    old = pa.schema([field for field in young if field.name != "stratum"])
    plain = rows_of("exposures", [exposure("ann", "control", day(0))])
    address = str(tmp_path / "exposures")
    DeltaTable.create(address, schema=old)
    write_deltalake(address, plain.select(old.names), mode="append")
    before = Lake.open(tmp_path)

    stratified = rows_of("exposures", [exposure("bob", "control", day(0), stratum="role=coach")])
    append(tmp_path, "exposures", stratified, "sealing", 2)
    append(tmp_path, "exposures", plain.select(old.names), "sealing", 3)

    told = Lake.open(tmp_path).table("exposures").order_by("learner").to_pyarrow()
    assert before.table("exposures").to_pyarrow().column("stratum").to_pylist() == [None]
    assert told.column("stratum").to_pylist() == [None, None, "role=coach"]
