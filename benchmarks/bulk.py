"""Ids a second that `assignment.bulk` places, against one call each."""

from assignment.bulk import places
from assignment.hashing import build_hasher
from benchmarks._measure import best_seconds

N = 1_000_000
N_SCALAR = 50_000


def run() -> None:
    import numpy as np
    import pyarrow as pa

    ids = [f"learner-{number:06d}" for number in range(N)]
    array, arrow = np.array(ids), pa.array(ids)
    place = build_hasher("experiment-50:1", 2)
    assert place is not None

    def one_by_one() -> None:
        for learner in ids[:N_SCALAR]:
            place(learner)

    best = best_seconds(
        {
            "numpy": lambda: places(array, "experiment-50:1"),
            "Arrow": lambda: places(arrow, "experiment-50:1"),
            "one by one": one_by_one,
        },
        rounds=3,
    )
    best["one by one"] *= N / N_SCALAR
    for name, seconds in best.items():
        print(f"  {name:11} {N / seconds / 1e6:6.2f} million ids a second")
