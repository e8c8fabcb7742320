"""Effects by segment and the score in two questions: cold, warm by NUTS, and by the grid.

Cold is a process that has compiled nothing, the import of PyMC included.
"""

import subprocess
import sys
import time

import numpy as np

from analysis.bayes.pooling import pool, pool_by_sampling
from analysis.bayes.scores import ScoreSums, compare_scores, compare_scores_by_sampling
from analysis.bayes.segments import Scales, Segments
from benchmarks._measure import best_seconds

ROLES, REGIONS = 4, 10


def segments(seed: int = 0, factors: bool = True) -> Segments:
    rng = np.random.default_rng(seed)
    j = ROLES * REGIONS
    role = tuple(f"role {i // REGIONS}" for i in range(j))
    region = tuple(f"region {i % REGIONS}" for i in range(j))
    effects = 1 + np.repeat(rng.normal(0, 1, ROLES), REGIONS) + rng.normal(0, 0.5, j)
    ses = rng.uniform(0.3, 1.2, j)
    levels = {"role": role, "region": region} if factors else {}
    names = tuple(f"{a}, {b}" for a, b in zip(role, region, strict=True))
    return Segments(names, rng.normal(effects, ses), ses, levels)


def arms(n: int) -> dict[str, ScoreSums]:
    rng = np.random.default_rng(1)
    made = {}
    for name, mean in (("control", 0.5), ("treatment", 0.52)):
        made[name] = ScoreSums.of(
            100 * rng.beta(6 * mean, 6 * (1 - mean), n) * (rng.random(n) < 0.7)
        )
    return made


SCALES = Scales(mean_sd=3.0, tau=1.5)
COLD = {
    "segments": "pool_by_sampling(segments(), SCALES, seed=1)",
    "scores": "compare_scores_by_sampling(arms(10_000), seed=1)",
}


def cold(expression: str) -> tuple[float, float]:
    """Wall and processor seconds of a new process that samples once."""
    code = (
        "from benchmarks.hierarchical import *\nimport os\n"
        f"{expression}\nprint(sum(os.times()[:2]))"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - began, float(done.stdout.split()[-1])


def run() -> None:
    for name, expression in COLD.items():
        wall, processor = cold(expression)
        print(f"  {name:9} cold      {wall:8.2f} s  ({processor:.1f} s of processor)")
    both, none, few = segments(), segments(factors=False), arms(10_000)
    found = pool_by_sampling(both, SCALES, seed=1)
    print(f"  {found.note}")
    best = best_seconds(
        {
            "40 segments, role and region, NUTS": lambda: pool_by_sampling(both, SCALES, seed=2),
            "40 segments, role and region, grid": lambda: pool(both, SCALES),
            "40 segments, exchangeable, grid": lambda: pool(none, SCALES),
            "score in two, 20,000 learners, NUTS": lambda: compare_scores_by_sampling(few, seed=2),
            "score in two, 20,000 learners, grid": lambda: compare_scores(few, seed=2),
        },
        rounds=3,
    )
    for name, seconds in best.items():
        print(f"  {name:36} {1000 * seconds:8.1f} ms")
