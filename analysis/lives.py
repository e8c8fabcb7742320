"""Life tables: the day of each learner's first event, or the last day it was seen."""

from collections.abc import Sequence
from typing import Any

import ibis
from ibis.expr import types as ir

from analysis.engines.functions import DAY_US
from analysis.plan import MetricPlan
from analysis.statistics.gather import Key
from analysis.statistics.life import LifeTable


def gather_lives(
    metric: MetricPlan, people: ir.Table, first: str, as_of_us: int, by: Sequence[str]
) -> dict[Key, LifeTable]:
    """Each group's life table, in one query.

    Only whole days are watched: of the day that the look cuts in two, nothing is read, else those
    who were fast within it would count and those who were slow would not.

    Args:
        metric: how many days are watched.
        people: one row a learner, with ``exposed_us`` and the columns of ``by``.
        first: the column with the time of the learner's first event in its window, in
            microseconds; null: there was none.
        as_of_us: the look, in microseconds.
        by: columns whose values form the key.
    """
    day = ((people[first] - people.exposed_us) / DAY_US).floor().cast("int64")
    watched = ((as_of_us - people.exposed_us) / DAY_US).floor().cast("int64")
    watched = ibis.least(watched, metric.window_days)
    happened = (people[first].notnull() & (day < watched)).fill_null(False)
    lives = people.select(*by, happened=happened, time=ibis.ifelse(happened, day + 1, watched))
    counted = lives.group_by([*by, "time", "happened"]).aggregate(n=lives.count())
    groups: dict[Key, list[tuple[float, bool, int]]] = {}
    row: dict[str, Any]
    for row in counted.to_pyarrow().to_pylist():
        key = tuple(row[name] for name in by)
        groups.setdefault(key, []).append((row["time"], row["happened"], int(row["n"])))
    return {key: LifeTable.of(metric.window_days, rows) for key, rows in groups.items()}
