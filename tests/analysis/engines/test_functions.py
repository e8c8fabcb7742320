from datetime import timedelta

import ibis
import pyarrow as pa
import pytest

from analysis.engines import connect
from analysis.engines.functions import bit_count, days_between, epoch_us, exact_sum
from tests.analysis.lakes import START, day


def value_of(expression):
    return connect({}, {}).to_pyarrow(expression).as_py()


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (timedelta(0), 0),
        (timedelta(days=1) - timedelta(microseconds=1), 0),
        (timedelta(days=1), 1),
        (timedelta(microseconds=-1), -1),
        (timedelta(days=-1), -1),
        (timedelta(days=-1, microseconds=-1), -2),
        (timedelta(days=400), 400),
    ],
)
def test_days_between__around_midnight__is_the_floor(offset, expected):
    start, at = epoch_us(ibis.literal(START)), epoch_us(ibis.literal(START + offset))

    assert value_of(days_between(start, at)) == expected


def test_epoch_us__a_time__is_exact_to_the_microsecond():
    at = day(0.123456)

    assert (
        value_of(epoch_us(ibis.literal(at)))
        == (at - day(0)) // timedelta(microseconds=1) + int(START.timestamp()) * 10**6
    )


@pytest.mark.parametrize("number", [0, 1, 0b1011, 2**55, 2**56 - 1])
def test_bit_count__a_bitmap__counts_its_days(number):
    assert value_of(bit_count(ibis.literal(number).cast("int64"))) == number.bit_count()


def test_exact_sum__tenths__add_up_without_a_rest():
    table = ibis.memtable(pa.table({"value": [0.1] * 10 + [1e15, -3.5]}))

    assert value_of(exact_sum(table.value, table.value < 1e12)) == 1.0 - 3.5
    assert value_of(exact_sum(table.value, table.value > 1e12)) == 9e12
