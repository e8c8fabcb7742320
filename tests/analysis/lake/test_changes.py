"""What came into the lake between two versions."""

import pytest
from deltalake import DeltaTable

from analysis.lake.changes import Unknown, files_since, table_id
from analysis.lake.compact import compact, vacuum
from analysis.lake.reader import Lake
from tests.analysis.lakes import day, event, write_lake


def sell(root, n_commits=1):
    """Commits of one sale each, all of one day."""
    for _ in range(n_commits):
        write_lake(root, events=[event("learner-1", "sale", day(1.5), 1.0)])


def version_of(root):
    return Lake.open(root).version["events"]


def n_rows(root, files):
    return Lake.open(root).of_files({"events": files}).table("events").count().to_pyarrow().as_py()


def test_files_since__appends__are_the_files_of_those_commits(tmp_path):
    root = tmp_path / "a lake"  # Delta writes the space as part of a URL
    sell(root, 3)

    assert sorted(files_since(root, "events", -1, 3)) == sorted(Lake.open(root).files["events"])
    assert n_rows(root, files_since(root, "events", 1, 3)) == 2
    assert files_since(root, "events", 3, 3) == ()


def test_files_since__a_compaction__adds_no_rows(tmp_path):
    sell(tmp_path, 4)
    compact(tmp_path, "events", min_files=2)
    sell(tmp_path)

    found = files_since(tmp_path, "events", 3, version_of(tmp_path))

    assert version_of(tmp_path) == 6
    assert n_rows(tmp_path, found) == 2


def test_files_since__rows_were_removed__is_not_known(tmp_path):
    sell(tmp_path, 2)
    DeltaTable(str(tmp_path / "events")).delete("learner = 'learner-1'")

    found = files_since(tmp_path, "events", 1, 3)

    assert found == Unknown("rows of events were removed in version 3")


def test_files_since__replaced_files_were_vacuumed__is_not_known(tmp_path):
    sell(tmp_path, 3)
    compact(tmp_path, "events", min_files=2)
    vacuum(tmp_path, "events", keep_days=0)

    found = files_since(tmp_path, "events", 2, 4)

    assert isinstance(found, Unknown)
    assert found.reason.endswith("is there no more")


@pytest.mark.parametrize("entry", ["2", "3"])
def test_files_since__the_log_has_a_gap__is_not_known(tmp_path, entry):
    sell(tmp_path, 3)
    (tmp_path / "events" / "_delta_log" / f"{entry:0>20}.json").unlink()

    found = files_since(tmp_path, "events", 0, 3)

    assert found == Unknown(f"the log of events does not reach back to version {entry}")


def test_table_id__two_lakes__tells_them_apart(tmp_path):
    for name in ("one", "other"):
        sell(tmp_path / name)

    assert table_id(tmp_path / "one", "events", 1) == table_id(tmp_path / "one", "events", 0)
    assert table_id(tmp_path / "one", "events", 1) != table_id(tmp_path / "other", "events", 1)
    assert table_id(tmp_path, "events", 0) == ""
