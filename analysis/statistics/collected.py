"""Collected: what one pass over the lake brings back. All that inference ever sees."""

from dataclasses import dataclass, field
from datetime import datetime

from .clusters import ClusterSums
from .life import LifeTable
from .moments import Moments
from .quantiles import Quantile

Statistic = Moments | ClusterSums | LifeTable | Quantile

OUTCOME = "outcome"
COVARIATE = "covariate"
DENOMINATOR = "denominator"  # of a ratio, whose numerator is the outcome
COVARIATE_DENOMINATOR = "covariate_denominator"
OTHER_CAP = "other_cap"  # the outcome without its cap, or, when it has none, with a usual one
COMPONENTS = ("retention", "activity", "incentive", "community")
WITHOUT_INCENTIVE = "without_incentive"
TAKEN = "taken"  # 1 when the learner used what was offered, else 0


@dataclass(frozen=True)
class ByOrder:
    """What is known of a crossover's units: every one has an outcome in every period."""

    metrics: dict[str, dict[str, Moments]]  # metric -> order -> moments, a column a period
    n_exposed: dict[str, int]  # order -> units that came in the first period
    n_late: int  # units that came later, and are left out
    n_switched: int  # units that met, at some time, another treatment than their order says


@dataclass(frozen=True)
class Collected:
    """Counts and sufficient statistics per variant; keys of the inner dicts are variant keys.

    ``metrics`` and ``trend`` hold ``Moments`` when learners were randomised, ``ClusterSums`` when
    teams were. Columns: ``outcome``, ``covariate``; for a score also its components in score points
    (they add up to the outcome) and ``without_incentive``; for a ratio ``denominator`` and
    ``covariate_denominator``; for what can be capped ``other_cap``: compare it as an outcome to see
    what the cap does.
    """

    n_exposed: dict[str, int]  # units (teams, when teams are randomised)
    n_mature: dict[str, int]  # units of them with at least one complete outcome window
    n_learners: dict[str, int]  # learners with a complete window: those behind the estimates
    n_crossed: int  # units that met several variants: dropped
    metrics: dict[str, dict[str, Statistic]]  # metric key -> variant -> statistic
    trend: dict[str, dict[str, Statistic]] = field(default_factory=dict)  # ISO day -> variant
    # metric key -> segment (role, region, tenure, prior_engagement) -> level -> variant
    segments: dict[str, dict[str, dict[str, dict[str, Statistic]]]] = field(default_factory=dict)
    shares: tuple[float, ...] = ()  # of a bandit: planned shares over all batches
    latest_received_at: datetime | None = None  # of all rows read; None: the lake is empty
    take_up: dict[str, Moments] = field(default_factory=dict)  # variant -> outcome and ``taken``
    by_order: ByOrder | None = None  # of a crossover, whose ``metrics`` is empty
