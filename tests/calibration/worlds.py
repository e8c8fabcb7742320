"""Many experiments at once, with a known truth: statistics only, no rows, so that they are cheap.

Each world yields, experiment by experiment, the statistics as they stand at every look.
"""

import numpy as np

from analysis.statistics.clusters import ClusterSums
from analysis.statistics.moments import Moments

COLUMNS = ("outcome", "covariate")
SD = 20.0


def learners(rng, looks, a_look=60, effect=0.0, rho=0.6):
    """One experiment: ``a_look`` more learners a variant at each look; gives variant -> Moments."""
    so_far = {v: Moments.empty(COLUMNS) for v in ("control", "double")}
    for _ in range(looks):
        for variant, lift in (("control", 0.0), ("double", effect)):
            before = rng.normal(50, SD, a_look)
            after = 20 + rho * before + rng.normal(lift, SD * (1 - rho**2) ** 0.5, a_look)
            so_far[variant] += Moments.of(COLUMNS, np.column_stack([after, before]))
        yield dict(so_far)


def teams(rng, looks, n_teams=8, effect=0.0, icc=0.15, rho=0.6):
    """One experiment on teams of uneven size, whose learners come look by look."""
    sizes = rng.integers(1, 9, (2, n_teams))
    level = rng.normal(0, SD * icc**0.5, (2, n_teams))
    n, sums = np.zeros((2, n_teams), dtype=np.int64), np.zeros((2, n_teams, 2))
    within = SD * (1 - icc) ** 0.5
    for _ in range(looks):
        root = sizes**0.5
        before = sizes * (50 + level) + root * rng.normal(0, within, sizes.shape)
        noise = root * rng.normal(0, within * (1 - rho**2) ** 0.5, sizes.shape)
        lift = np.array([[0.0], [effect]])
        n = n + sizes
        after = rho * before + sizes * ((1 - rho) * level + lift) + noise
        sums = sums + np.stack([after, before], axis=-1)
        yield {
            "control": ClusterSums(COLUMNS, n[0], sums[0]),
            "double": ClusterSums(COLUMNS, n[1], sums[1]),
        }
