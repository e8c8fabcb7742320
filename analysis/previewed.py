"""What a metric's preview found: plain numbers, for pages and programs."""

from dataclasses import asdict, dataclass
from typing import Any

from analysis.results import NotEstimable


@dataclass(frozen=True)
class Bin:
    """Learners whose outcome lies from ``low`` to below ``high``; None: and all above."""

    low: float
    high: float | None
    n: int


@dataclass(frozen=True)
class Limits:
    """What floor and cap change."""

    floor: float | None
    cap: float | None  # as given, or what the cap's quantile came to
    share_below: float  # of learners, set to the floor
    share_above: float  # of learners, set to the cap
    mean_without: float
    sd_without: float


@dataclass(frozen=True)
class Detection:
    """What it takes to find a difference with 80 % power, half the learners in each variant."""

    what: str  # "relative": 2 % of the mean; "minimum": the metric's own
    effect: float  # in the metric's unit
    relative: float | None  # of the mean; None where that is 0, or nearly
    n_learners: int | None  # of both variants together; None: no number would do
    days: float | None  # at the present pace, the last one's window included; None: see why_not
    days_low: float | None  # 90 %
    days_high: float | None  # None: the pace may be nothing
    why_not: NotEstimable | None = None


@dataclass(frozen=True)
class InTeams:
    """How alike learners of one team are."""

    n_teams: int
    mean_size: float
    icc: float  # share of variance between teams
    design_effect: float  # how many times as many learners it takes when teams get variants


@dataclass(frozen=True)
class Preview:
    """One metric over the learners of one window ago."""

    as_of: str  # ISO time
    exposed_at: str  # ISO time, of the pretended exposure: one window before
    window_days: int
    lake_version: dict[str, int]
    n_learners: int  # who were active in the four weeks before
    mean: float  # of a ratio: the ratio of the sums
    sd: float  # of a ratio: of a learner's part in its error
    variance: float | None  # None: beyond what our JSON carries; ``sd`` is there
    share_of_zeros: float
    yes_or_no: bool
    correlation: float  # with the same measure in the window before
    variance_reduction: float  # by it, 0-1
    quantiles: dict[str, float]  # "0.5" -> the median; of a ratio, of the learners' own ratios
    bins: tuple[Bin, ...]
    n_shown: int  # learners in the bins: of a ratio those with anything below the line
    limits: Limits | None  # None: the definition has none
    teams: InTeams | None  # None: too few are known
    detections: tuple[Detection, ...]

    def to_json(self) -> dict[str, Any]:
        """The preview as plain JSON values."""
        return asdict(self)
