"""Erasing: the learner leaves the table, its history and its log; everybody else's rows stay."""

import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from analysis.lake import log
from analysis.lake.compact import compact
from analysis.lake.erase import count_learner, count_managed, erase_before, erase_learner
from analysis.lake.log import silence_ahead, silence_log
from analysis.lake.reader import Lake
from analysis.lake.schema import TABLES
from analysis.lake.tables import STATISTICS
from analysis.lake.writer import append, last_sequence
from tests.analysis.lakes import (
    day,
    description,
    event,
    exposure,
    files_naming,
    outcome,
    rows_of,
    write_lake,
)

ADA, BO = b"ada0".hex(), b"b0".hex()


def add(root, number, *learners, at=0):
    rows = [event(name, "challenge_completed", day(at), 1.0) for name in learners]
    append(root, "events", rows_of("events", rows), "seal", number)


def learners_in(root, version=None):
    lake = Lake.open(root, version and {"events": version})
    return sorted(lake.table("events").learner.to_pyarrow().to_pylist())


def telling(root, name, *rows):
    """Commits as they were before logs were silent: with statistics of every column."""
    address = str(root / name)
    partition = ["day"] if name != "learners" else None
    DeltaTable.create(address, TABLES[name], mode="ignore", partition_by=partition)
    for each in rows:
        made = rows_of(name, [each])
        if name == "events":
            made = made.set_column(
                made.column_names.index("day"), "day", made["occurred_at"].cast(pa.date32())
            )
        write_deltalake(address, made, mode="append")


def test_erase_learner__with_history__leaves_no_file_that_names_them(tmp_path):
    for number in range(5):
        add(tmp_path, number, ADA, BO, at=number % 2)
    compact(tmp_path, "events", min_files=2)
    assert count_learner(tmp_path, "events", ADA) == 5

    erased = erase_learner(tmp_path, "events", ADA)

    assert (erased.n_rows, erased.n_files) == (5, 7)  # five as written, two as compacted
    assert learners_in(tmp_path) == [BO] * 5
    assert files_naming(tmp_path, ADA) == []
    assert count_learner(tmp_path, "events", ADA) == 0


def test_erase_learner__earlier_versions_without_them__can_still_be_read(tmp_path):
    add(tmp_path, 1, BO)
    before = DeltaTable(str(tmp_path / "events")).version()
    add(tmp_path, 2, ADA, at=1)

    erase_learner(tmp_path, "events", ADA)

    assert learners_in(tmp_path, before) == [BO]


def test_erase_learner__then_writing__goes_on_exactly_once(tmp_path):
    add(tmp_path, 1, ADA, BO)
    erase_learner(tmp_path, "events", ADA)

    add(tmp_path, 1, ADA, BO)  # a batch that was sealed before: a retry writes nothing
    add(tmp_path, 2, BO)

    assert learners_in(tmp_path) == [BO, BO]


def test_erase_learner__of_whom_nothing_is_known__changes_nothing(tmp_path):
    add(tmp_path, 1, BO)
    version = DeltaTable(str(tmp_path / "events")).version()

    erased = erase_learner(tmp_path, "events", ADA)

    assert (erased.n_rows, erased.n_files) == (0, 0)
    assert erase_learner(tmp_path, "outcomes", ADA).n_rows == 0  # a table that is not there
    assert DeltaTable(str(tmp_path / "events")).version() == version


def test_erase_learner__rows_of_a_crashed_writer__go_too(tmp_path):
    add(tmp_path, 1, ADA, BO)
    (file,) = (tmp_path / "events").rglob("*.parquet")
    file.with_name("part-left-over.parquet").write_bytes(file.read_bytes())

    erase_learner(tmp_path, "events", ADA)

    assert files_naming(tmp_path, ADA) == []


@pytest.mark.parametrize("learner", ["", "ada's", "x' OR 'a' = 'a"])
def test_erase_learner__no_pseudonym__is_refused(tmp_path, learner):
    add(tmp_path, 1, BO)

    with pytest.raises(ValueError, match="pseudonym"):
        erase_learner(tmp_path, "events", learner)


def test_erase_learner__every_table__leaves_no_byte_that_names_them(tmp_path):
    """The log too: neither as a smallest or largest value, nor as the condition of a deletion."""
    for number in range(4):
        for who in (ADA, BO):
            write_lake(
                tmp_path,
                events=[event(who, "sale", day(number % 2))],
                exposures=[exposure(who, "control", day(number))],
                outcomes=[outcome(who, "revenue", date(2026, 3, 2), number)],
                learners=[description(who, manager=BO)],
            )
    compact(tmp_path, "events")
    assert files_naming(tmp_path, ADA)

    for name in TABLES:
        erase_learner(tmp_path, name, ADA)
    for name in TABLES:
        DeltaTable(str(tmp_path / name)).create_checkpoint()

    assert files_naming(tmp_path, ADA) == []
    assert len(files_naming(tmp_path, BO)) >= len(TABLES)
    assert not [path for path in files_naming(tmp_path, BO) if "_delta_log" in path]


def test_erase_learner__manager_of_others__leaves_their_rows_without_a_manager(tmp_path):
    who = [("bo", ADA), ("cy", BO), ("di", None)]
    write_lake(
        tmp_path,
        learners=[description(name.encode().hex(), manager=boss) for name, boss in who]
        + [description(ADA, manager=ADA)],
    )

    assert count_managed(tmp_path, "learners", ADA) == 1
    assert count_managed(tmp_path, "events", ADA) == 0
    erased = erase_learner(tmp_path, "learners", ADA)

    table = Lake.open(tmp_path).table("learners").order_by("learner").to_pyarrow()
    assert (erased.n_rows, erased.n_files, erased.n_managed) == (1, 1, 1)
    assert table["learner"].to_pylist() == [name.encode().hex() for name, _boss in who]
    assert table["manager"].to_pylist() == [None, BO, None]
    assert files_naming(tmp_path, ADA) == []


def test_erase_learner__their_rows_are_all_there_are__leaves_an_empty_table(tmp_path):
    add(tmp_path, 1, ADA)
    write_lake(tmp_path, learners=[description(ADA)])

    erase_learner(tmp_path, "events", ADA)
    erase_learner(tmp_path, "learners", ADA)

    assert learners_in(tmp_path) == []
    assert Lake.open(tmp_path).table("learners").count().to_pyarrow().as_py() == 0
    assert files_naming(tmp_path, ADA) == []


def test_erase_learner__day_of_others__is_not_written_again(tmp_path):
    add(tmp_path, 1, BO, at=0)
    add(tmp_path, 2, ADA, BO, at=1)
    quiet = [uri for uri in DeltaTable(str(tmp_path / "events")).file_uris() if "03-02" in uri]

    erase_learner(tmp_path, "events", ADA)

    files = DeltaTable(str(tmp_path / "events")).file_uris()
    assert [uri for uri in files if "03-02" in uri] == quiet


def test_erase_learner__log_from_before_it_was_silent__forgets_and_every_version_opens(tmp_path):
    telling(tmp_path, "events", *(event(who, "sale", day(0)) for who in (BO, ADA, BO)))
    address = str(tmp_path / "events")
    DeltaTable(address).delete(f"learner = '{ADA}'")
    DeltaTable(address).create_checkpoint()
    telling(tmp_path, "events", event(BO, "sale", day(1)))
    named = files_naming(tmp_path, ADA)

    erase_learner(tmp_path, "events", ADA)

    assert {path.rpartition(".")[2] for path in named} == {"json", "parquet"}
    assert files_naming(tmp_path, ADA) == []
    assert [path for path in files_naming(tmp_path, BO) if "_delta_log" in path] == []
    assert learners_in(tmp_path) == [BO] * 3
    assert learners_in(tmp_path, version=1) == [BO]
    add(tmp_path, 7, BO)
    assert last_sequence(tmp_path, "events", "seal") == 7
    assert learners_in(tmp_path) == [BO] * 4


def test_erase_learner__table_without_days__is_written_anew_as_it_is(tmp_path):
    kept = pa.schema([field for field in TABLES["events"] if field.name != "day"])
    rows = [event(who, "sale", day(0)) for who in (ADA, BO)]
    write_deltalake(str(tmp_path / "events"), rows_of("events", rows).select(kept.names))

    erased = erase_learner(tmp_path, "events", ADA)

    assert (erased.n_rows, erased.n_files) == (1, 1)
    assert learners_in(tmp_path) == [BO]
    assert files_naming(tmp_path, ADA) == []


def crash(*_given):
    raise OSError("the disk is gone")


def logs_naming(root, who):
    return [path for path in files_naming(root, who) if "_delta_log" in path]


@pytest.mark.parametrize("step", ["sync", "make_durable"])
def test_silence_log__in_a_crash__is_done_by_the_next_call(tmp_path, monkeypatch, step):
    telling(tmp_path, "events", *(event(ADA, "sale", day(n)) for n in range(3)))
    monkeypatch.setattr(log, step, crash)

    with pytest.raises(OSError, match="disk"):
        silence_log(tmp_path, "events")
    monkeypatch.undo()
    silence_log(tmp_path, "events")

    assert logs_naming(tmp_path, ADA) == []
    table = DeltaTable(str(tmp_path / "events"))
    assert table.metadata().configuration[STATISTICS] == "occurred_at,received_at"
    version = table.version()
    silence_log(tmp_path, "events")
    assert DeltaTable(str(tmp_path / "events")).version() == version


def test_silence_log__power_cut_at_any_file__leaves_each_entry_whole(tmp_path, monkeypatch):
    telling(tmp_path, "events", *(event(ADA, "sale", day(n)) for n in range(3)))
    synced, real = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: crash() if synced else synced.append(number))

    with pytest.raises(OSError, match="disk"):
        silence_log(tmp_path, "events")
    monkeypatch.setattr(os, "fsync", real)

    assert len(logs_naming(tmp_path, ADA)) == 3  # none took its place before all were safe
    assert learners_in(tmp_path) == [ADA] * 3
    silence_log(tmp_path, "events")
    assert logs_naming(tmp_path, ADA) == []


def test_silence_ahead__then_the_rest__looks_only_at_what_came_since(tmp_path, monkeypatch):
    telling(tmp_path, "events", *(event(ADA, "sale", day(n)) for n in range(3)))
    for version in (2, 3):
        DeltaTable(str(tmp_path / "events"), version=version).create_checkpoint()
    real, looked_at = log._stripped, []

    done = silence_ahead(tmp_path, "events")
    ahead = logs_naming(tmp_path, ADA)
    telling(tmp_path, "events", event(ADA, "sale", day(5)))  # a batch is sealed meanwhile
    monkeypatch.setattr(
        log, "_stripped", lambda files, info: looked_at.append(info.base_name) or real(files, info)
    )
    silence_log(tmp_path, "events", done)

    newest = f"{3:020d}.checkpoint.parquet"  # with which writers begin
    assert [Path(path).name for path in ahead] == [newest]
    assert sorted(looked_at) == sorted([newest, f"{4:020d}.json"])
    assert logs_naming(tmp_path, ADA) == []
    assert learners_in(tmp_path, version=2) == [ADA] * 2
    assert silence_ahead(tmp_path, "events") == frozenset()


def test_append__files_themselves__still_tell_engines_where_a_learner_is(tmp_path):
    add(tmp_path, 1, ADA, BO)

    (file,) = DeltaTable(str(tmp_path / "events")).file_uris()

    meta = pq.ParquetFile(file).metadata.row_group(0).column(1)
    assert (meta.path_in_schema, meta.statistics.min, meta.statistics.max) == ("learner", ADA, BO)


def test_erase_before__removes_whole_days_and_keeps_the_rest(tmp_path):
    add(tmp_path, 1, ADA, at=0)
    add(tmp_path, 2, ADA, BO, at=1)
    add(tmp_path, 3, BO, at=2)

    n_rows = erase_before(tmp_path, "events", date(2026, 3, 4))

    assert n_rows == 3
    assert learners_in(tmp_path) == [BO]
    assert erase_before(tmp_path, "events", date(2026, 3, 4)) == 0


def test_erase_before__table_without_days__is_refused(tmp_path):
    with pytest.raises(ValueError, match="learners is not kept by day"):
        erase_before(tmp_path, "learners", date(2026, 3, 4))
