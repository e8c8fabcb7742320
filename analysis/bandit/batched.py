"""Inference after a bandit: batch by batch, because shares depend on earlier outcomes."""

from collections.abc import Sequence

import numpy as np

from analysis.contrast import TOO_FEW_UNITS, Contrast, no_variance
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments


def estimate(
    batches: Sequence[tuple[Moments, Moments]], outcome: str = "outcome"
) -> Contrast | NotEstimable:
    """How treatment and control differ, from (control, treatment) of each batch.

    Pooling the learners of a bandit is biased: a variant that was unlucky early gets few chances to
    recover. Within a batch the shares are fixed, so each batch's difference is an honest one;
    standardised and added up with weights that do not depend on the outcomes' size they are normal
    (Zhang, Janson, Murphy 2020, theorem 2: batched least squares):

        effect = sum h d / sum h       se = sqrt(number of batches) / sum h,   h = 1 / se of d

    where every batch's standardised difference counts the same. Assumed: the effect is the same in
    all batches. A batch in which a variant had fewer than two learners says nothing of it.
    """
    used = [(c, t) for c, t in batches if min(c.n, t.n) >= 2]
    if not used:
        return TOO_FEW_UNITS
    differences, errors, frees = [], [], []
    for control, treatment in used:
        spread = control.cross(outcome, outcome) + treatment.cross(outcome, outcome)
        free = control.n + treatment.n - 2
        variance = spread / free * (1 / control.n + 1 / treatment.n)
        size = max(abs(control.mean_of(outcome)), abs(treatment.mean_of(outcome)))
        if variance <= (1e-13 * size) ** 2:
            return no_variance(treatment.mean_of(outcome), control.mean_of(outcome))
        differences.append(treatment.mean_of(outcome) - control.mean_of(outcome))
        errors.append(variance**0.5)
        frees.append(free)
    pull = 1 / np.array(errors)
    share = pull / pull.sum()
    effect = float(share @ np.array(differences))
    base = float(share @ np.array([control.mean_of(outcome) for control, _ in used]))
    se = len(used) ** 0.5 / float(pull.sum())
    parts = [
        [s**2 * e**2 * other.n / (own.n + other.n) for s, e, own, other in rows]
        for rows in (
            [(s, e, c, t) for s, e, (c, t) in zip(share, errors, used, strict=True)],
            [(s, e, t, c) for s, e, (c, t) in zip(share, errors, used, strict=True)],
        )
    ]
    scale = se**2 / (sum(parts[0]) + sum(parts[1]))
    n_control, n = (sum(pair[side].n for pair in used) for side in (0, 1))
    return Contrast(
        method="batched",
        n=n,
        n_control=n_control,
        n_learners=n,
        n_learners_control=n_control,
        mean=base + effect,
        mean_control=base,
        variance=scale * sum(parts[1]),
        variance_control=scale * sum(parts[0]),
        covariance=0.0,
        df=len(used) ** 2 / sum(1 / free for free in frees),
    )
