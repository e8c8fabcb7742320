import re
from datetime import timedelta, timezone

import ibis
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
    with pytest.raises(ValueError, match="engine: found 'abacus', expected duckdb"):
        Lake.open(tmp_path, engine="abacus").connect()


def files_read(lake, table):
    """How many files the engine opens for a query."""
    sql = ibis.to_sql(table, dialect="duckdb")
    [(_, plan)] = lake.connect().raw_sql(f"EXPLAIN ANALYZE {sql}").fetchall()
    return [int(n) for n in re.findall(r"Total Files Read: (\d+)", plan)]


def test_table__of_a_range_of_a_year__opens_the_files_of_its_days_only(tmp_path):
    year = [event("ada", "sale", day(number + 0.5)) for number in range(365)]
    lake = write_lake(tmp_path, events=year)

    week = lake.table("events", day(100), day(107))

    assert files_read(lake, week.filter(week.learner == "ada")) == [7]
    assert week.count().to_pyarrow().as_py() == 7


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        (day(0.25), day(1.5), ["b", "c"]),
        (day(0.26), day(1.51), ["c", "d"]),
        (day(1), None, ["c", "d", "e"]),
        (None, day(1), ["a", "b"]),
        (None, None, ["a", "b", "c", "d", "e"]),
        (day(2), day(2), []),
    ],
)
def test_table__of_a_range__has_the_rows_from_its_start_to_before_its_end(
    tmp_path, since, until, found
):
    times = {"a": 0, "b": 0.25, "c": 1, "d": 1.5, "e": 2}
    lake = write_lake(tmp_path, events=[event(who, "sale", day(at)) for who, at in times.items()])

    rows = lake.table("events", since, until).order_by("learner").to_pyarrow()

    assert rows["learner"].to_pylist() == found


def test_table__of_a_range_in_another_zone__is_the_same_range(tmp_path):
    lake = write_lake(tmp_path, events=[event("ada", "sale", day(0.99))])
    east = timezone(timedelta(hours=9))

    assert n_events(lake) == 1
    found = lake.table("events", day(0.98).astimezone(east), day(1).astimezone(east))
    assert found.count().to_pyarrow().as_py() == 1


def test_table__of_a_range_but_without_days__is_refused(tmp_path):
    with pytest.raises(ValueError, match="table learners has no days"):
        Lake.open(tmp_path).table("learners", since=day(0))
