"""Pooled effects: what the experiments of one domain have done so far, and what the next may do."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import chdtrc, stdtr, stdtrit

from analysis.across.results import PooledEffect
from analysis.bayes.priors import PastEffect, heterogeneity
from analysis.results import NotEstimable

FEWEST = 3
"""With two experiments there is no saying how far apart true effects are."""


def pool(effects: Sequence[PastEffect]) -> PooledEffect | NotEstimable:
    """The mean of the true effects behind estimates of different experiments.

    Random effects: tau by REML, the interval by Hartung and Knapp (2001), which counts how little
    a handful of experiments say of tau; the next effect's interval by IntHout, Ioannidis, Rovers,
    Goeman (2016). Several treatments of one experiment share their control; they
    enter as one effect, their average, with the average of their standard errors (as if their
    errors were wholly dependent, which is the cautious end).
    """
    single = _one_per_experiment(effects)
    k = len(single)
    if k < FEWEST:
        return NotEstimable(
            f"{k} experiment{'s' if k != 1 else ''} measured this metric",
            f"wait for at least {FEWEST} that have ended",
        )
    y = np.array([each.effect for each in single])
    v = np.array([each.se for each in single]) ** 2
    spread = heterogeneity(y.tolist(), np.sqrt(v).tolist())
    w = 1 / (v + spread.tau**2)
    mean = float(w @ y / w.sum())
    se = float((w @ (y - mean) ** 2 / (k - 1) / w.sum()) ** 0.5)
    fixed = 1 / v
    q = float(fixed @ (y - fixed @ y / fixed.sum()) ** 2)
    reach = float(stdtrit(k - 1, 0.975)) * se
    next_reach = float(stdtrit(k - 1, 0.975)) * (se**2 + spread.tau**2) ** 0.5
    return PooledEffect(
        n_experiments=k,
        mean=mean,
        se=se,
        low=mean - reach,
        high=mean + reach,
        p_value=float(2 * stdtr(k - 1, -abs(mean) / se)) if se > 0 else float(mean == 0),
        tau=spread.tau,
        next_low=mean - next_reach,
        next_high=mean + next_reach,
        q=q,
        q_p_value=float(chdtrc(k - 1, q)),
    )


def pool_by(
    effects: Sequence[PastEffect], group_of: Callable[[PastEffect], str]
) -> dict[str, PooledEffect | NotEstimable]:
    """The pooled effect of each group, such as the domain, in the groups' order."""
    groups = sorted({group_of(effect) for effect in effects})
    return {
        group: pool([effect for effect in effects if group_of(effect) == group]) for group in groups
    }


def _one_per_experiment(effects: Sequence[PastEffect]) -> list[PastEffect]:
    names = list(dict.fromkeys(effect.experiment for effect in effects))
    merged = []
    for name in names:
        own = [effect for effect in effects if effect.experiment == name]
        merged.append(
            PastEffect(
                name,
                sum(effect.effect for effect in own) / len(own),
                sum(effect.se for effect in own) / len(own),
            )
        )
    return merged
