import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from analysis.lake import writer
from analysis.lake.compact import compact
from analysis.lake.reader import Lake
from analysis.lake.schema import TABLES
from analysis.lake.writer import append, last_sequence
from tests.analysis.lakes import (
    day,
    description,
    event,
    exposure,
    outcome,
    rows_of,
    write_lake,
)


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
    writer.make_durable = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
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


def test_append__found_there_after_a_crash__is_made_safe_before_the_caller_forgets_it(
    tmp_path, monkeypatch
):
    def crash(*_):
        raise InterruptedError

    with monkeypatch.context() as crashing:
        crashing.setattr(writer, "make_durable", crash)
        with pytest.raises(InterruptedError):
            append(tmp_path, "events", rows("ada"), "buffer", 1)
    append(tmp_path, "events", rows("bo"), "import", 1)
    synced = []
    monkeypatch.setattr(writer, "sync", synced.append)

    append(tmp_path, "events", rows("ada"), "buffer", 1)

    [file] = [path for path in synced if path.suffix == ".parquet"]
    assert pq.ParquetFile(file).read()["learner"].to_pylist() == ["ada"]
    assert tmp_path / "events" / "_delta_log" / f"{1:020d}.json" in synced
    assert {file.parent, tmp_path / "events", tmp_path / "events" / "_delta_log"} < set(synced)


def files_of(root, name):
    """Each file of a table: its path within the table and its own rows, as they lie."""
    folder = root / name
    return {
        str(path.relative_to(folder).parent): pq.ParquetFile(path).read()
        for path in folder.rglob("*.parquet")
    }


def test_append__events_of_two_days__lie_in_a_folder_a_day_and_by_learner(tmp_path):
    given = [event(who, "sale", day(at)) for at in (1.5, 0.2, 0.1) for who in ("bo", "ada")]
    append(tmp_path, "events", rows_of("events", given), "buffer", 1)

    files = files_of(tmp_path, "events")
    first = files["day=2026-03-02"]
    assert sorted(files) == ["day=2026-03-02", "day=2026-03-03"]
    assert first["learner"].to_pylist() == ["ada", "ada", "bo", "bo"]
    assert first["occurred_at"].to_pylist() == [day(0.1), day(0.2)] * 2


def test_append__time_in_another_zone__its_utc_day_counts(tmp_path):
    late = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    append(tmp_path, "events", rows_of("events", [event("ada", "sale", late)]), "buffer", 1)

    assert list(files_of(tmp_path, "events")) == ["day=2026-03-03"]


def test_append__description_or_outcome__is_kept_as_it_is(tmp_path):
    on = date(2026, 3, 2)
    lake = write_lake(
        tmp_path,
        learners=[description("ada", manager="m1")],
        outcomes=[outcome("ada", "revenue", on, 12.5)],
    )

    kept = lake.table("outcomes").to_pyarrow().to_pylist()
    assert list(files_of(tmp_path, "learners")) == ["."]
    assert lake.table("learners").to_pyarrow()["manager"].to_pylist() == ["m1"]
    assert [(row["name"], row["day"], row["value"]) for row in kept] == [("revenue", on, 12.5)]


def test_append__unknown_column__is_named(tmp_path):
    given = rows("ada").append_column("mood", pa.array(["good"]))

    with pytest.raises(ValueError, match="events: column mood is unknown; expected event_id"):
        append(tmp_path, "events", given, "buffer", 1)


def old_lake(root, name, given, without):
    """A table as it was written before some columns, and before days were partitions."""
    kept = pa.schema([field for field in TABLES[name] if field.name not in without])
    address = str(root / name)
    DeltaTable.create(address, schema=kept)
    write_deltalake(address, rows_of(name, given).select(kept.names), mode="append")
    return kept


# One table's youngest columns of every type that the lake knows, and a value of each.
YOUNG = [
    ("exposures", {"stratum": "role=coach"}, exposure("ann", "control", day(0))),
    ("learners", {"manager": "m1", "started_on": date(2026, 1, 5)}, description("ann")),
    ("events", {"step": 3, "value": 1.5, "properties": "{}"}, event("ann", "sale", day(0))),
]


@pytest.mark.parametrize(("name", "added", "plain"), YOUNG, ids=[name for name, *_ in YOUNG])
def test_append__to_a_table_from_before_columns__adds_them_and_old_rows_are_null(
    tmp_path, name, added, plain
):
    old = old_lake(tmp_path, name, [plain], without={*added, "day"})
    before = Lake.open(tmp_path)
    old_rows, new = rows_of(name, [plain]).select(old.names), rows_of(name, [{**plain, **added}])

    append(tmp_path, name, new, "sealing", 2)
    append(tmp_path, name, old_rows, "sealing", 3)

    after = Lake.open(tmp_path).table(name).to_pyarrow()
    for column, value in added.items():
        assert before.table(name).to_pyarrow()[column].to_pylist() == [None]
        assert sorted(after[column].to_pylist(), key=str) == sorted([None, None, value], key=str)


def test_append__to_a_table_from_before_days__its_rows_have_their_day_and_can_be_asked_for(
    tmp_path,
):
    old_lake(tmp_path, "events", [event("ann", "sale", day(0.5))], without={"day"})
    lake = write_lake(tmp_path, events=[event("bob", "sale", day(1.5))])
    compact(tmp_path, "events", min_files=2)
    compacted = Lake.open(tmp_path)

    for read in (lake, compacted):
        told = read.table("events").order_by("learner").to_pyarrow()
        assert told["day"].to_pylist() == [date(2026, 3, 2), date(2026, 3, 3)]
        assert read.table("events", day(1), day(2)).learner.to_pyarrow().to_pylist() == ["bob"]


def test_append__to_a_table_with_a_column_of_the_future__leaves_it_null(tmp_path):
    """A server of an older release goes on beside a newer one."""
    newer = pa.schema([*TABLES["learners"], pa.field("grade", pa.int64())])
    DeltaTable.create(str(tmp_path / "learners"), schema=newer)

    lake = write_lake(tmp_path, learners=[description("ada", role="coach")])

    written = DeltaTable(str(tmp_path / "learners"))
    assert [field.name for field in written.schema().fields][-1] == "grade"
    assert lake.table("learners").to_pyarrow()["role"].to_pylist() == ["coach"]


def test_tables__columns_beyond_those_that_every_row_needs__may_be_null():
    """What came after a table's first rows can be absent from files: so it must be nullable."""
    first = {
        "events": {"event_id", "learner", "kind", "occurred_at", "received_at"},
        "exposures": {
            "event_id", "experiment", "variant", "unit_kind", "unit", "learner", "exposed_at",
            "received_at",
        },
        "learners": {"event_id", "learner", "described_at", "received_at"},
        "outcomes": {"event_id", "learner", "name", "day", "value", "received_at"},
    }  # fmt: skip

    needed = {name: {f.name for f in schema if not f.nullable} for name, schema in TABLES.items()}

    assert needed == first
