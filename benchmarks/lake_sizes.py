"""What an event takes in the lake: as sealed, after compaction, and with what readouts keep.

``python -m benchmarks lake_sizes``. A day of events is sealed every quarter of an hour, compacted
at three in the morning and again the next, and read by one look at nine: its files stay when the
vacuum has come. Ids are as the SDKs make them, or random UUIDs, which pack worst.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from analysis.lake.compact import compact_all, vacuum_all
from analysis.lake.reader import Lake
from analysis.lake.writer import append
from benchmarks._program import DAYS, Program, day_of_events

N_EVENTS = 200_000  # of the day
N_BATCHES = 96
COMPACTED_AFTER = N_BATCHES * 3 // 24
LOOK_AFTER = N_BATCHES * 9 // 24


def run() -> None:
    """Print bytes an event, for both forms of ids."""
    for title, numbered in (("ids as the SDKs make them", True), ("random UUIDs as ids", False)):
        rows = _day(Program(N_EVENTS * DAYS, numbered=numbered))
        with tempfile.TemporaryDirectory(prefix="momentum-sizes-") as folder:
            told = _sizes(Path(folder) / "lake", rows)
        print(f"  {title}: bytes an event")
        for what, size in told.items():
            print(f"    {what:42} {size / len(rows):5.1f}")


def _day(program: Program) -> pa.Table:
    """Its events in the order in which they are received."""
    rng = np.random.default_rng(program.n_events)
    learners = pa.array(sorted(rng.bytes(16).hex() for _ in range(program.n_learners)))
    propensity = rng.gamma(1.5, 1.0, program.n_learners).cumsum()
    rows = day_of_events(rng, program, learners, propensity / propensity[-1], 0)
    return rows.sort_by("received_at")


def _sizes(root: Path, rows: pa.Table) -> dict[str, int]:
    told: dict[str, int] = {}
    read: Mapping[str, int] = {}
    per_batch = -(-len(rows) // N_BATCHES)
    for number in range(N_BATCHES):
        append(root, "events", rows.slice(number * per_batch, per_batch), "sealing", number)
        if number == COMPACTED_AFTER:
            compact_all(root)
        if number == LOOK_AFTER:
            read = Lake.open(root).version
    compact_all(root)
    told["on the disk, the replaced files too"] = _bytes(root)
    vacuum_all(root, [read], keep_days=0)
    told["on the disk, with a look of each day"] = _bytes(root)
    vacuum_all(root, [], keep_days=0)
    told["of the current version"] = _bytes(root)
    return told


def _bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in root.glob("events/day=*/*"))
