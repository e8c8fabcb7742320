import pytest

from analysis.lake.reader import Lake
from analysis.lake.schema import TABLES
from tests.analysis.lakes import day, event, write_lake


def n_events(lake):
    return int(lake.table("events").count().to_pyarrow().as_py())


@pytest.mark.parametrize("name", TABLES)
def test_table__nothing_written__is_empty_with_the_right_columns(tmp_path, name):
    table = Lake.open(tmp_path).table(name)

    assert table.to_pyarrow().num_rows == 0
    assert list(table.columns) == TABLES[name].names


def test_version__nothing_written__is_empty(tmp_path):
    assert Lake.open(tmp_path).version == {}


def test_lake__opened_before_a_commit__does_not_see_it(tmp_path):
    before = write_lake(tmp_path, events=[event("ada", "session_started", day(0))])
    after = write_lake(tmp_path, events=[event("bo", "session_started", day(1))])

    assert n_events(before) == 1
    assert n_events(after) == 2


def test_lake__opened_at_an_older_version__is_as_it_was(tmp_path):
    older = write_lake(tmp_path, events=[event("ada", "session_started", day(0))]).version
    write_lake(tmp_path, events=[event("bo", "session_started", day(1))])

    assert n_events(Lake.open(tmp_path, older)) == 1
    assert Lake.open(tmp_path, older).version == older


def test_lake__opened_before_a_table_existed__sees_it_empty(tmp_path):
    write_lake(tmp_path, events=[event("ada", "session_started", day(0))])

    assert n_events(Lake.open(tmp_path, {})) == 0


def test_lake__version_of_a_table_that_is_not_there__is_refused(tmp_path):
    with pytest.raises(ValueError, match="table events at 3 is not in the lake"):
        Lake.open(tmp_path, {"events": 3})


def test_lake__times__are_utc_whatever_the_machine(tmp_path):
    lake = write_lake(tmp_path, events=[event("ada", "session_started", day(0.5))])

    assert lake.table("events").occurred_at.to_pyarrow().to_pylist()[0] == day(0.5)


@pytest.mark.parametrize("name", ["my lake", "Übung", "it's", "a+b#c"])
def test_lake__folder_with_an_unusual_name__is_read(tmp_path, name):
    lake = write_lake(tmp_path / name, events=[event("ada", "session_started", day(0))])

    assert n_events(lake) == 1


def test_lake__relative_folder__is_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert n_events(write_lake("lake", events=[event("ada", "session_started", day(0))])) == 1


@pytest.mark.parametrize("name", ["a[b]", "100%", "what?", "all*"])
def test_lake__folder_name_that_would_be_misread__is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="choose a folder without any of"):
        Lake.open(tmp_path / name)


def test_lake__unknown_engine__is_refused(tmp_path):
    with pytest.raises(ValueError, match="engine: found 'abacus', expected one of duckdb"):
        Lake.open(tmp_path, engine="abacus").connect()
