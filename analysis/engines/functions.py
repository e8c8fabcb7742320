"""Functions that the engines have and Ibis has no name for.

Times are turned into integers once and reckoned with as integers: on DuckDB a ``date_diff`` over a
time with a zone goes through the calendar and costs about a hundred times as much.
"""

from typing import Final

import ibis
import ibis.expr.datatypes as dt
from ibis.expr import types as ir

DAY_US: Final = 86_400_000_000
_LARGEST: Final = 9e12  # in millionths it still fits 64 bits


@ibis.udf.scalar.builtin(signature=((dt.Timestamp("UTC"),), dt.int64))
def epoch_us(at):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D103
    ...


@ibis.udf.scalar.builtin(signature=((dt.int64,), dt.int64))
def bit_count(bits):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D103
    ...


def sum_millionths(value: ir.Value, where: ir.BooleanValue | None = None) -> ir.Value:
    """The sum in millionths, an integer: parts of it add up to the whole, to the bit.

    Engines read rows in parallel and in any order, and a sum of floats depends on it; a readout
    that is computed again must come out the same. Amounts beyond nine trillion count as nine.
    """
    counts = value.notnull() if where is None else where & value.notnull()
    within = ibis.greatest(ibis.least(value, _LARGEST), -_LARGEST)
    millionths = (within * 1e6).round().cast("int64")
    # Inside the sum, not beside it: then only the rows that count are reckoned with.
    return ibis.ifelse(counts, millionths, ibis.null("int64")).sum()


def from_millionths(total: ir.Value) -> ir.Value:
    """The amount that a sum in millionths stands for."""
    return total.cast("float64") / 1e6


def exact_sum(value: ir.Value, where: ir.BooleanValue | None = None) -> ir.Value:
    """A sum that does not depend on the order of the rows; see ``sum_millionths``."""
    return from_millionths(sum_millionths(value, where))


def days_between(start_us: ir.Value, at_us: ir.Value) -> ir.IntegerColumn:
    """Whole days from one time to another, both in microseconds; minus one is the day before."""
    return ((at_us - start_us) / DAY_US).floor().cast("int64")
