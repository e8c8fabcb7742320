"""The next batch's shares: top-two Thompson sampling with a floor."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analysis.results import NotEstimable
from analysis.statistics.collected import OUTCOME
from analysis.statistics.moments import Moments

Floats = npt.NDArray[np.float64]

LEADER_SHARE = 0.5
"""How often the draw's winner is taken; otherwise its strongest rival is, so that the two are told
apart as fast as can be (Russo 2016, section 3.3). Two variants then share evenly; 1 is plain
Thompson sampling, which earns more while it runs and learns less."""

DRAWS = 100_000
"""Draws behind the chances: their third digit moves no share that matters."""

TOO_FEW = NotEstimable(
    "a variant has fewer than two learners with a complete outcome",
    "wait for the batch to fill; until then the shares stay as they are",
)


def next_shares(
    arms: Mapping[str, Sequence[Moments]],
    *,
    floor: float,
    prior_sd: float,
    sign: int = 1,
    leader_share: float = LEADER_SHARE,
    seed: int = 0,
) -> dict[str, float] | NotEstimable:
    """What share of the next batch each variant gets.

    Means are taken over all batches, each with a normal prior around the mean of all
    learners; the chance of each to be best becomes its share by top-two Thompson sampling. The
    floor keeps every variant in: it costs a little, lets a variant come back, and is what makes the
    later inference possible.

    Args:
        arms: per variant, its moments in each batch so far.
        floor: the least share of any variant; 0 to 1 / number of variants.
        prior_sd: how far variants' means tend to lie from their average, in the metric's unit.
        sign: 1 when more is better, -1 when less is.
        leader_share: how often the draw's winner is taken; above 0, up to 1.
        seed: of the draws: the same evidence gives the same shares.

    Raises:
        ValueError: the floor cannot be kept.
    """
    k = len(arms)
    if not 0 <= floor <= 1 / k:
        raise ValueError(
            f"floor: found {floor:g}, expected 0 to {1 / k:.3g} (one over the number of variants)"
        )
    pooled = [_pool(batches) for batches in arms.values()]
    known = [each for each in pooled if each is not None]
    if len(known) < k:
        return TOO_FEW
    means, variances = (np.array([each[i] for each in known]) for i in (0, 1))
    chances = _chances(sign * means, variances, prior_sd, seed)
    shares = floor + (1 - k * floor) * top_two(chances, leader_share)
    return dict(zip(arms, (shares / shares.sum()).tolist(), strict=True))


def top_two(chances: Floats, leader_share: float = LEADER_SHARE) -> Floats:
    """Shares by top-two Thompson sampling, from the chances to be best (Russo 2016, section 3.3).

    A variant is taken when it wins the draw and the coin says leader, or when another one wins and
    it is the first different winner of the draws that follow.
    """
    others = np.clip(1 - chances, 1e-12, None)
    rival = (chances / others).sum() - chances / others
    shares = chances * (leader_share + (1 - leader_share) * rival)
    return np.asarray(shares / shares.sum())


def _pool(batches: Sequence[Moments]) -> tuple[float, float] | None:
    """Mean over batches and the variance of that mean; None when there is too little."""
    if sum(batch.n for batch in batches) < 2:
        return None
    moments = batches[0]
    for batch in batches[1:]:
        moments = moments + batch
    return moments.mean_of(OUTCOME), moments.variance(OUTCOME) / moments.n


def _chances(means: Floats, variances: Floats, prior_sd: float, seed: int) -> Floats:
    centre = float(means.mean())
    keep = prior_sd**2 / (prior_sd**2 + variances)
    draws = np.random.default_rng(seed).standard_normal((DRAWS, len(means)))
    draws *= np.sqrt(keep * variances)
    draws += centre + keep * (means - centre)
    wins = np.bincount(draws.argmax(axis=1), minlength=len(means))
    # A chance of 0 would be one that no draw found, not one that is impossible.
    return np.asarray((wins + 0.5) / (wins + 0.5).sum())
