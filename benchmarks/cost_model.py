"""What a number of events costs: measured at two sizes on this machine, and carried on from there.

``python -m benchmarks cost_model [--sizes=1e6,4e6] [--spark]``. Costs are core-seconds, not time:
they hardly depend on who else uses the machine. Each cost is a line through what was measured at
the two sizes: something that every run costs, and something per million events. With ``--spark``
only one thing is measured: the same look, read from the events by DuckDB and by Spark (two threads
of this machine).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from benchmarks import store, store_looks
from benchmarks._intake import running
from benchmarks._measure import core_seconds_of
from benchmarks._program import PER_LEARNER, Program, write_program
from experiment_server.db import Database

SIZES: Final = (1_000_000, 4_000_000)
SHOWN: Final = {1e6: "1 million", 1e8: "100 million", 1e9: "1 billion", 1e10: "10 billion"}
MILLION: Final = 1e6
N_SENT: Final = 50_000
SPARK: Final = (
    "spark:local[2]?spark.driver.memory=3g&spark.sql.shuffle.partitions=8&spark.ui.enabled=false"
)
# contender of store_looks -> what it is in the table
LOOKS: Final = {
    "look": "look, roll-up fresh",
    "look_after_a_day": "look, roll-up a day behind",
    "rebuild": "roll-up made anew",
    "history": "look from the events",
}
# what is kept -> where, below the lake
PLACES: Final = {
    "events in the lake, current version": "events",
    "roll-up of one experiment": "_rollups",
}


@dataclass(frozen=True)
class Line:
    """A cost as events grow, in some unit."""

    fixed: float
    per_million: float

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]]) -> "Line":
        """The line through the cost (second) at two numbers of events (first); never below 0."""
        (n_small, small), (n_large, large) = points[0], points[-1]
        slope = max(0.0, (large - small) / (n_large - n_small) * MILLION)
        return cls(max(0.0, small - slope * n_small / MILLION), slope)

    def at(self, n_events: float) -> float:
        """The cost of so many events."""
        return self.fixed + self.per_million * n_events / MILLION


def run() -> None:
    """Measure, print each cost and what it comes to at larger sizes."""
    wanted = [arg.partition("=")[2] for arg in sys.argv if arg.startswith("--sizes=")]
    sizes = [int(float(each)) for each in wanted[0].split(",")] if wanted else list(SIZES)
    if "--spark" in sys.argv:
        _compare(sizes[-1])
        return
    cpu, size = _intake()
    for name, lines in _looks(sizes).items():
        (cpu if name == "cpu" else size).update(lines)
    _print("core-seconds", cpu, _time)
    _print("bytes, with ids as the SDKs make them", size, _bytes)
    print(f"\n  assumed: {PER_LEARNER} events a learner in 180 days, all in one experiment;")
    print(
        f"  measured at {' and '.join(f'{n:,}' for n in sizes)} events; beyond that a straight line"
    )


# --- what is measured


def _intake() -> tuple[dict[str, Line], dict[str, Line]]:
    """Ingest and sealing: all they cost is per event."""
    with store._sqlite_store() as (database, folder, _bare):
        begin = _pages(database)
        store._fill_ledger(database)
        ledger = (_pages(database) - begin) / store.N_BEFORE * MILLION
        with running(database, folder) as server:
            server.send(store._rows(5_000, 0).bodies, store.N_CLIENTS)  # warm
            before = server.cpu_s()
            server.send(store._rows(N_SENT, 1).bodies, store.N_CLIENTS)
            sent = (server.cpu_s() - before) / N_SENT * MILLION
        buffered = store._buffer_bytes(database)
    with store._sqlite_store() as (database, folder, _bare):
        store._fill_buffer(database, 1)
        with database.read() as session:
            place = store.load_environment(session, "production")
        before = time.process_time()
        store._seal(database, place, folder / "lake")
        sealed = (time.process_time() - before) / store.N_SEALED * MILLION
    cpu = {"ingest over HTTP, batches of 500": Line(0.0, sent), "sealing": Line(0.0, sealed)}
    held = {"buffer in SQL, until sealed": buffered, "ids in SQL, for good": ledger}
    return cpu, {title: Line(0.0, per_million) for title, per_million in held.items()}


def _pages(database: Database) -> int:
    """How large a SQLite store is, in bytes."""
    size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    with database.read() as session:
        return int(session.execute(sa.text(size)).scalar_one())


def _looks(sizes: Sequence[int]) -> dict[str, dict[str, Line]]:
    """Roll-ups, looks and the lake, at each size."""
    cpu: dict[str, list[tuple[float, float]]] = {}
    held: dict[str, list[tuple[float, float]]] = {}
    for n_events in sizes:
        with tempfile.TemporaryDirectory(prefix="momentum-cost-") as folder:
            root = Path(folder) / "lake"
            row = store_looks._of_size(root, Program(n_events))
            for name, title in LOOKS.items():
                cpu.setdefault(title, []).append((n_events, row[name]["cpu"]))
            for title, place in PLACES.items():
                n_bytes = sum(path.stat().st_size for path in (root / place).rglob("*.parquet"))
                held.setdefault(title, []).append((n_events, n_bytes))
    return {
        "cpu": {title: Line.through(points) for title, points in cpu.items()},
        "bytes": {title: Line.through(points) for title, points in held.items()},
    }


# --- Spark beside DuckDB


def _compare(n_events: int) -> None:
    with tempfile.TemporaryDirectory(prefix="momentum-cost-") as folder:
        root = Path(folder) / "lake"
        write_program(root, Program(n_events))
        print(f"  the same look from {n_events:,} events")
        for title, engine in (("DuckDB", "duckdb"), ("Spark, two threads", SPARK)):
            found = _read_apart(root, engine)
            print(
                f"    {title:20} first {found['first_s']:6.1f} s, then {found['then_s']:6.1f} s,"
                f" {found['then_cpu_s']:6.1f} core-seconds; the score's effect"
                f" {found['effect']:.12g}",
                flush=True,
            )


def _read_apart(root: Path, engine: str) -> dict[str, float]:
    """Read the look in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cost_model", "--child", str(root), engine]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, start_new_session=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _child(root: str, engine: str) -> None:
    """Read the look twice: the first time an engine loads, starts and compiles."""
    from analysis.collect import collect
    from analysis.lake.reader import Lake
    from analysis.read import run_readout

    took: dict[str, float] = {}
    for name in ("first", "then"):
        begin, cpu = time.perf_counter(), core_seconds_of(os.getpgrp())
        lake = Lake.open(root, engine=engine)
        readout = run_readout(store_looks.plan_of(), lake, store_looks.norms(), collect)
        took[f"{name}_s"] = time.perf_counter() - begin
        took[f"{name}_cpu_s"] = core_seconds_of(os.getpgrp()) - cpu
    print(json.dumps({**took, "effect": float(readout.primary.estimates[0].effect)}))


# --- what is shown


def _print(unit: str, lines: Mapping[str, Line], shown: Any) -> None:
    print(f"\n  | {unit} | each time | per million events | ", end="")
    print(" | ".join(SHOWN.values()), "|")
    print("  |---|---|---|" + "---|" * len(SHOWN))
    for title, line in lines.items():
        cells = [shown(line.fixed), shown(line.per_million), *(shown(line.at(n)) for n in SHOWN)]
        print(f"  | {title} | {' | '.join(cells)} |")


def _time(core_s: float) -> str:
    if core_s < 600:
        return f"{core_s:.2g} s" if core_s < 10 else f"{core_s:.0f} s"
    return f"{core_s / 3600:.2g} h" if core_s < 36_000 else f"{core_s / 3600:,.0f} h"


def _bytes(n_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"


if __name__ == "__main__":
    if "--child" in sys.argv:
        _child(*sys.argv[sys.argv.index("--child") + 1 :])
    else:
        run()
