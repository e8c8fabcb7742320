"""Timing that a busy machine disturbs little: alternate the contenders, keep each one's best."""

import time
from collections.abc import Callable


def best_seconds(
    contenders: dict[str, Callable[[], object]],
    rounds: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """The shortest time of each contender over rounds in which all take turns."""
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, work in contenders.items():
            begin = clock()
            work()
            best[name] = min(best[name], clock() - begin)
    return best
