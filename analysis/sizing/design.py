"""PlannedDesign: how an experiment will be read, as far as its size depends on it."""

from dataclasses import dataclass
from functools import lru_cache

from scipy.optimize import brentq
from scipy.special import ndtri

from analysis.methods.group_sequential import boundaries, crossing
from analysis.plan import MOST_CO_PRIMARIES
from analysis.spending import spent_by


@dataclass(frozen=True)
class PlannedDesign:
    """Shares, levels and looks. The first share is the control's."""

    shares: tuple[float, ...] = (0.5, 0.5)
    alpha: float = 0.05  # of all sides together, over all looks, treatments and primaries
    power: float = 0.8  # for each treatment
    sides: int = 2  # 1 for "not worse by more than a margin"
    looks: int = 1  # equally spaced
    spending: str = "obrien_fleming"
    co_primaries: int = 0  # metrics that can make a winner beside the primary

    def __post_init__(self) -> None:
        """Refuse what no experiment could have.

        Raises:
            ValueError: names the field, what was found and what would be right.
        """
        if len(self.shares) < 2 or min(self.shares) <= 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise ValueError(
                f"shares: found {self.shares}, expected two or more positive shares that sum to 1,"
                " for example (0.5, 0.5)"
            )
        for name, value in (("alpha", self.alpha), ("power", self.power)):
            if not 0 < value < 1:
                raise ValueError(f"{name}: found {value:g}, expected a number between 0 and 1")
        if self.power <= self.alpha / self.sides:
            raise ValueError(f"power: found {self.power:g}, expected more than alpha")
        if self.sides not in (1, 2):
            raise ValueError(f"sides: found {self.sides}, expected 1 or 2")
        if not 1 <= self.looks <= 100:
            raise ValueError(f"looks: found {self.looks}, expected 1 to 100")
        if not 0 <= self.co_primaries <= MOST_CO_PRIMARIES:
            raise ValueError(
                f"co_primaries: found {self.co_primaries}, expected 0 to {MOST_CO_PRIMARIES}"
            )

    @property
    def n_tests(self) -> int:
        """How many tests share alpha: every treatment on the primary and on each co-primary."""
        return (1 + self.co_primaries) * (len(self.shares) - 1)

    @property
    def alpha_each(self) -> float:
        """What each test may spend: they share alpha evenly."""
        return self.alpha / self.n_tests

    @property
    def smallest_share(self) -> float:
        """The smallest treatment's: it decides how long all must wait."""
        return min(self.shares[1:])

    @property
    def one_look_drift(self) -> float:
        """How many standard errors an effect must be worth when there is one look."""
        return float(ndtri(1 - self.alpha_each / self.sides) + ndtri(self.power))

    @property
    def drift(self) -> float:
        """The same at the last of the looks, so that all of them together have the power."""
        return _drift(self.alpha_each, self.power, self.sides, self.looks, self.spending)

    @property
    def inflation(self) -> float:
        """By how much looking early makes the largest experiment larger than one look would."""
        return (self.drift / self.one_look_drift) ** 2


@lru_cache(maxsize=256)
def _drift(alpha: float, power: float, sides: int, looks: int, spending: str) -> float:
    plain = float(ndtri(1 - alpha / sides) + ndtri(power))
    if looks == 1:
        return plain
    times = [(k + 1) / looks for k in range(looks)]
    z = boundaries(times, [spent_by(spending, alpha, t, sides) for t in times], sides)

    def lacking(drift: float) -> float:
        # Passing the boundary on the wrong side is no success.
        return sum(crossing(times, z, drift, sides).above) - power

    return float(brentq(lacking, plain * 0.9, plain * 2.5, xtol=1e-9))
