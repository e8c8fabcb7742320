"""The library for notebooks: a plan, its outcomes, and the readout of a table."""

from analysis.plan import Direction

from .analyze import TableAnalysis, analyze_table
from .read import Source
from .request import Looks, Outcome, TableError
from .request import TableRequest as Plan

__all__ = [
    "Looks",
    "Outcome",
    "Plan",
    "TableAnalysis",
    "TableError",
    "co_primary",
    "guardrail",
    "mean",
    "quantile",
    "ratio",
    "readout",
    "survival",
]


def readout(table: Source, plan: Plan) -> TableAnalysis:
    """Decide from a table with one row a unit; see ``analyze_table``.

    Args:
        table: a table of pandas, pyarrow or Ibis, or the path of a CSV or Parquet file.
        plan: which columns mean what, and what was planned.

    Raises:
        TableError: the table or the plan cannot be analysed; the message says what to change.
    """
    return analyze_table(table, plan)


def mean(column: str, direction: Direction = "increase", title: str = "") -> Outcome:
    """The mean of a column; of zeros and ones it is a share."""
    return Outcome("mean", (column,), direction, title=title)


def ratio(above: str, below: str, direction: Direction = "increase", title: str = "") -> Outcome:
    """The ratio of two columns' sums."""
    return Outcome("ratio", (above, below), direction, title=title)


def quantile(
    column: str, share: float, direction: Direction = "increase", title: str = ""
) -> Outcome:
    """A quantile of a column; 0.5 is the median."""
    return Outcome("quantile", (column,), direction, share=share, title=title)


def survival(
    duration: str,
    event: str,
    horizon: float | None = None,
    direction: Direction = "increase",
    title: str = "",
) -> Outcome:
    """The mean time until an event, counted up to a horizon; ``event`` is 1 when it happened."""
    return Outcome("survival", (duration, event), direction, horizon=horizon, title=title)


def guardrail(
    column: str, margin: float | None = None, direction: Direction = "increase", title: str = ""
) -> Outcome:
    """The mean of a column that must not suffer by more than the margin."""
    return Outcome("mean", (column,), direction, is_guardrail=True, margin=margin, title=title)


def co_primary(
    column: str, minimum_effect: float, direction: Direction = "increase", title: str = ""
) -> Outcome:
    """The mean of a column that can make a winner beside the primary; at most two of them."""
    return Outcome(
        "mean",
        (column,),
        direction,
        is_co_primary=True,
        minimum_effect=minimum_effect,
        title=title,
    )
