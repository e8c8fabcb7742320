"""Whoever waits for the engine does not wait for ever."""

import pytest

from analysis.bounded import TookTooLong, bounded
from tests.analysis.lakes import day, event, write_lake

ENDLESS = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"


def test_bounded__endless_query__is_stopped_and_the_next_one_too(tmp_path):
    lake = write_lake(tmp_path)

    with pytest.raises(TookTooLong, match=r"stopped after 0\.05 s"), bounded(lake, 0.05):
        lake.connect().raw_sql(ENDLESS).fetchall()


def test_bounded__second_query_after_the_time__is_stopped_as_well(tmp_path):
    lake = write_lake(tmp_path)
    stopped = []

    def two_queries():
        for _ in range(2):
            try:
                lake.connect().raw_sql(ENDLESS).fetchall()
            except Exception as error:
                stopped.append(type(error).__name__)
                if len(stopped) == 2:
                    raise

    with pytest.raises(TookTooLong), bounded(lake, 0.05):
        two_queries()

    assert stopped == ["InterruptException", "InterruptException"]


def test_bounded__quick_query__is_left_alone_and_so_is_what_follows(tmp_path):
    lake = write_lake(tmp_path, events=[event("ada", "sale", day(1))])

    with bounded(lake, 60):
        within = lake.table("events").count().to_pyarrow().as_py()

    assert within == lake.table("events").count().to_pyarrow().as_py() == 1
