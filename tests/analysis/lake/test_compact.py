import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from analysis.lake import compact as compaction
from analysis.lake.compact import (
    compact,
    compact_all,
    thin_checkpoints,
    vacuum,
    vacuum_all,
)
from analysis.lake.reader import Lake
from analysis.lake.writer import append, last_sequence
from tests.analysis.lake.test_writer import learners_in, old_lake, rows
from tests.analysis.lakes import day, description, event, exposure, outcome, write_lake


def fill(root, n_commits):
    for sequence in range(n_commits):
        append(root, "events", rows(f"learner-{sequence}"), "buffer", sequence)


def test_compact__many_small_files__become_one_with_the_same_rows(tmp_path):
    fill(tmp_path, 9)
    before = learners_in(tmp_path)

    done = compact(tmp_path, "events")

    assert (done.n_files_before, done.n_files_after) == (9, 1)
    assert learners_in(tmp_path) == before


def test_compact__several_days__each_becomes_one_file_sorted_by_learner(tmp_path):
    for number in range(4):
        on_days = [event(f"l{number * 7 % 4}", "sale", day(n + number / 9)) for n in range(3)]
        write_lake(tmp_path, events=on_days)

    done = compact(tmp_path, "events")

    table = DeltaTable(str(tmp_path / "events"))
    assert (done.n_files_before, done.n_files_after) == (12, 3)
    for uri in table.file_uris():
        assert pq.ParquetFile(uri).read()["learner"].to_pylist() == ["l0", "l1", "l2", "l3"]


def test_compact__one_day_with_few_files__leaves_that_day_alone(tmp_path):
    for _ in range(4):
        write_lake(tmp_path, events=[event("ada", "sale", day(0)) for _n in range(2)])
    write_lake(tmp_path, events=[event("ada", "sale", day(1))])
    quiet = [uri for uri in DeltaTable(str(tmp_path / "events")).file_uris() if "03-03" in uri]

    compact(tmp_path, "events")

    files = DeltaTable(str(tmp_path / "events")).file_uris()
    assert len(files) == 2
    assert set(quiet) < set(files)


def test_compact__large_files__are_not_written_again_every_day(tmp_path, monkeypatch):
    fill(tmp_path, 5)
    sizes = pa.table(DeltaTable(str(tmp_path / "events")).get_add_actions())["size_bytes"]
    monkeypatch.setattr(compaction, "SMALL_BYTES", min(sizes.to_pylist()))

    assert compact(tmp_path, "events") is None
    assert len(DeltaTable(str(tmp_path / "events")).file_uris()) == 5


def test_compact__a_day_too_large_to_sort__is_joined_as_it_lies(tmp_path):
    fill(tmp_path, 9)

    done = compact(tmp_path, "events", sort_bytes=1)

    assert (done.n_files_before, done.n_files_after) == (9, 1)
    assert learners_in(tmp_path) == [f"learner-{number}" for number in range(9)]


def test_compact__the_writer_comes_again__its_rows_are_still_known(tmp_path):
    fill(tmp_path, 9)

    compact(tmp_path, "events")
    append(tmp_path, "events", rows("again"), "buffer", 8)

    assert last_sequence(tmp_path, "events", "buffer") == 8
    assert len(learners_in(tmp_path)) == 9


def test_compact__few_files__does_nothing(tmp_path):
    fill(tmp_path, 3)

    assert compact(tmp_path, "events") is None
    assert compact_all(tmp_path) == ()


def test_compact__no_table__does_nothing(tmp_path):
    assert compact(tmp_path, "learners") is None
    assert vacuum(tmp_path, "learners") == ()


@pytest.mark.parametrize("name", ["learners", "outcomes", "exposures"])
def test_compact__any_table__keeps_its_rows(tmp_path, name):
    row = {
        "learners": lambda who: description(who, role="coach", manager="m"),
        "outcomes": lambda who: outcome(who, "revenue", date(2026, 3, 2), 1.5),
        "exposures": lambda who: exposure(who, "control", day(0), stratum="a"),
    }[name]
    for number in range(5):
        write_lake(tmp_path, **{name: [row(f"l{number}")]})
    before = Lake.open(tmp_path).table(name).order_by("learner").to_pyarrow()

    [done] = compact_all(tmp_path)

    after = Lake.open(tmp_path).table(name).order_by("learner").to_pyarrow()
    assert (done.table, done.n_files_before, done.n_files_after) == (name, 5, 1)
    assert after.equals(before)


def test_compact__a_table_grew_by_a_column_between_its_files__keeps_both(tmp_path):
    old_lake(tmp_path, "learners", [description("ann")], without={"manager"})
    for name in ("bob", "cy", "di"):
        write_lake(tmp_path, learners=[description(name, manager="m")])

    compact(tmp_path, "learners")

    told = Lake.open(tmp_path).table("learners").order_by("learner").to_pyarrow()
    assert len(DeltaTable(str(tmp_path / "learners")).file_uris()) == 1
    assert told["manager"].to_pylist() == [None, "m", "m", "m"]


def test_compact__an_older_version__is_read_as_it_was_also_after_vacuum(tmp_path):
    """What a readout names it can be computed from again, whatever was written and tidied since."""
    fill(tmp_path, 9)
    older = Lake.open(tmp_path)
    then = older.table("events").order_by("event_id").to_pyarrow()

    compact(tmp_path, "events")
    append(tmp_path, "events", rows("later"), "buffer", 9)
    removed = vacuum_all(tmp_path, [older.version], keep_days=0)

    again = Lake.open(tmp_path, older.version).table("events").order_by("event_id").to_pyarrow()
    assert removed == 0
    assert again.equals(then)
    assert len(learners_in(tmp_path)) == 10


def test_vacuum__nothing_to_keep__removes_the_replaced_files(tmp_path):
    fill(tmp_path, 9)
    compact(tmp_path, "events")

    removed = vacuum(tmp_path, "events", keep_days=0)

    assert len(removed) == 9
    assert len(learners_in(tmp_path)) == 9


def left_behind(root, days_ago):
    """A file that no commit knows: its writer died, or has not come to the commit yet."""
    [file] = DeltaTable(str(root / "events")).file_uris()
    copy = Path(file).with_name("part-left-behind.parquet")
    shutil.copy(file, copy)
    at = time.time() - days_ago * 86_400
    os.utime(copy, (at, at))
    return copy


def opens(root, version):
    """Whether a version's rows can be read."""
    files = Lake.open(root, {"events": version}).files["events"]
    return all(Path(file).exists() for file in files)


def test_vacuum__versions_that_readouts_name__stay_whole_and_others_go(tmp_path):
    fill(tmp_path, 9)
    compact(tmp_path, "events")

    removed = vacuum(tmp_path, "events", named=[4, 2, 4], keep_days=0)

    assert len(removed) == 5
    assert [opens(tmp_path, version) for version in range(1, 11)] == [
        *[True] * 4,
        *[False] * 5,
        True,
    ]


@pytest.mark.parametrize("named", [[-1], [99]])
def test_vacuum__a_version_that_the_table_never_had__keeps_nothing_and_does_not_fail(
    tmp_path, named
):
    fill(tmp_path, 9)
    compact(tmp_path, "events")

    assert len(vacuum(tmp_path, "events", keep_days=0, named=named)) == 9


def test_vacuum__files_replaced_just_now__stay_though_nobody_names_them(tmp_path):
    fill(tmp_path, 9)
    compact(tmp_path, "events")

    assert vacuum_all(tmp_path, []) == 0
    assert opens(tmp_path, 9)


@pytest.mark.parametrize(("days_ago", "stays"), [(8, False), (6, True)])
def test_vacuum__file_of_a_writer_that_died__goes_when_it_is_old(tmp_path, days_ago, stays):
    fill(tmp_path, 1)
    file = left_behind(tmp_path, days_ago)

    vacuum(tmp_path, "events")

    assert file.exists() == stays
    assert learners_in(tmp_path) == ["learner-0"]


def test_vacuum__nothing_to_keep__spares_the_file_of_a_writer_about_to_commit(tmp_path):
    fill(tmp_path, 1)
    file = left_behind(tmp_path, days_ago=0)

    vacuum(tmp_path, "events", keep_days=0)

    assert file.exists()


def checkpoints(root):
    return sorted((root / "events" / "_delta_log").glob("*.checkpoint.parquet"))


def test_thin_checkpoints__several_days__leaves_one_a_day_and_every_version_readable(tmp_path):
    fill(tmp_path, 8)
    address = str(tmp_path / "events")
    for version in range(1, 8):
        DeltaTable(address, version=version).create_checkpoint()
    for number, path in enumerate(checkpoints(tmp_path)):
        at = 1_767_225_600 + number * 9 * 3_600  # from a midnight on, each nine hours later
        os.utime(path, (at, at))

    gone = thin_checkpoints(tmp_path, "events")

    left = [int(path.name[:20]) for path in checkpoints(tmp_path)]
    assert [int(name[:20]) for name in gone] == [2, 3, 5]
    assert left == [1, 4, 6, 7]
    for version in range(1, 9):
        found = Lake.open(tmp_path, {"events": version}).table("events").count()
        assert found.to_pyarrow().as_py() == version
    assert thin_checkpoints(tmp_path, "events") == ()
    assert thin_checkpoints(tmp_path, "learners") == ()


WORKERS = {
    # Two writers race for every batch, as two servers that seal one environment would.
    "writer": "for n in range(30): append(root, 'events', rows(f'{n:02d}a', f'{n:02d}b'), 'x', n)",
    "compactor": "while not done(): compact(root, 'events', 2)",
    "vacuumer": "while not done(): vacuum(root, 'events', 0)",
}
WORKER = """
import sys
from analysis.lake.compact import compact, vacuum
from analysis.lake.writer import append, last_sequence
from tests.analysis.lake.test_writer import rows
root = sys.argv[1]
def done(): return last_sequence(root, "events", "x") >= 29
"""


def test_lake__writers_compaction_and_vacuum_in_several_processes__loses_and_repeats_nothing(
    tmp_path,
):
    parts = ["writer", "writer", "compactor", "vacuumer"]
    processes = [
        subprocess.Popen([sys.executable, "-c", WORKER + WORKERS[part], str(tmp_path)])
        for part in parts
    ]
    codes = [process.wait(timeout=120) for process in processes]
    compact(tmp_path, "events", 2)

    history = DeltaTable(str(tmp_path / "events")).history()
    assert codes == [0, 0, 0, 0]
    assert {"WRITE", "OPTIMIZE"} <= {entry["operation"] for entry in history}
    assert learners_in(tmp_path) == sorted(f"{n:02d}{who}" for n in range(30) for who in "ab")
