"""Five CUPED metrics of a million learners, from table to p value, beside tea-tasting.

Both read the same DuckDB table through Ibis; the ratio is of processor time and of wall time.
"""

import time
from collections.abc import Callable

import ibis
import numpy as np
import pyarrow as pa
import tea_tasting as tt  # type: ignore[import-untyped]

from analysis.methods import compare
from analysis.statistics.gather import Wanted, fold, gather_all

from ._measure import best_seconds

N_LEARNERS = 1_000_000
N_METRICS = 5


def learners(n: int) -> pa.Table:
    rng = np.random.default_rng(1)
    columns: dict[str, object] = {"variant": rng.integers(0, 2, n)}
    for name, levels in (("role", 6), ("region", 8), ("tenure", 3)):
        columns[name] = rng.integers(0, levels, n)
    for number in range(N_METRICS):
        before = rng.normal(50, 10, n)
        columns[f"x{number}"] = before
        columns[f"y{number}"] = 0.6 * before + rng.normal(0, 8, n)
    return pa.table(columns)


def contenders(table: ibis.Table) -> dict[str, Callable[[], object]]:
    numbers = range(N_METRICS)
    wanted = {
        f"m{number}": Wanted({"outcome": f"y{number}", "covariate": f"x{number}"})
        for number in numbers
    }
    experiment = tt.Experiment(  # its column of variants is called "variant" by default
        {f"m{number}": tt.Mean(f"y{number}", f"x{number}") for number in numbers}
    )

    def plain() -> object:
        found = gather_all(table, ["variant"], wanted)
        return [compare(found[(0,)][name], found[(1,)][name]) for name in wanted]

    def segments() -> object:
        found = gather_all(table, ["variant", "role", "region", "tenure"], wanted)
        results = []
        for name in wanted:
            cells = {key: group[name] for key, group in found.items()}
            for keep in ((0,), (0, 1), (0, 2), (0, 3)):
                levels = fold(cells, keep)
                results += [
                    compare(levels[key], levels[(1, *key[1:])]) for key in levels if key[0] == 0
                ]
        return results

    return {
        "momentum": plain,
        "tea-tasting": lambda: experiment.analyze(table, 0),
        "momentum, with 17 segments": segments,
    }


def run() -> None:
    table = ibis.duckdb.connect().create_table("learners", learners(N_LEARNERS))
    each = contenders(table)
    for clock, title in ((time.process_time, "processor"), (time.perf_counter, "wall")):
        best = best_seconds(each, rounds=7, clock=clock)
        base = best["tea-tasting"]
        for name, seconds in best.items():
            print(f"  {title}: {name:27} {seconds * 1e3:6.1f} ms  x{seconds / base:.2f}")
