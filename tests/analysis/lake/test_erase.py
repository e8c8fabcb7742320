"""Erasing: the learner's rows leave the table and its history, everybody else's stay."""

from datetime import date

import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable

from analysis.lake.compact import compact
from analysis.lake.erase import count_learner, erase_before, erase_learner
from analysis.lake.reader import Lake
from analysis.lake.writer import append
from tests.analysis.lakes import day, event, rows_of

ADA, BO = b"ada0".hex(), b"b0".hex()


def add(root, number, *learners, at=0):
    rows = [event(name, "challenge_completed", day(at), 1.0) for name in learners]
    append(root, "events", rows_of("events", rows), "seal", number)


def learners_in(root, version=None):
    lake = Lake.open(root, version and {"events": version})
    return sorted(lake.table("events").learner.to_pyarrow().to_pylist())


def on_disk(root):
    """Every learner that any Parquet file of the table names, of whatever version."""
    files = [str(path) for path in (root / "events").rglob("*.parquet")]
    files = [path for path in files if "_delta_log" not in path]
    table = ds.dataset(files, format="parquet").to_table(columns=["learner"])
    return set(table["learner"].to_pylist())


def test_erase_learner__with_history__leaves_no_file_that_names_them(tmp_path):
    for number in range(5):
        add(tmp_path, number, ADA, BO, at=number % 2)
    compact(tmp_path, "events", min_files=2)
    assert count_learner(tmp_path, "events", ADA) == 5

    erased = erase_learner(tmp_path, "events", ADA)

    assert (erased.n_rows, erased.n_files) == (5, 7)  # five as written, two as compacted
    assert learners_in(tmp_path) == [BO] * 5
    assert on_disk(tmp_path) == {BO}
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

    assert on_disk(tmp_path) == {BO}


@pytest.mark.parametrize("learner", ["", "ada's", "x' OR 'a' = 'a"])
def test_erase_learner__no_pseudonym__is_refused(tmp_path, learner):
    add(tmp_path, 1, BO)

    with pytest.raises(ValueError, match="pseudonym"):
        erase_learner(tmp_path, "events", learner)


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
