"""Batch: thousands of comparisons at once, from arrays of sufficient statistics.

The same numbers as ``methods.compare`` and ``estimate``, made for whole arrays: metrics by
treatments by segments. Means by Welch or CUPED; everything else has its own method, one by one.
A readout's segments are compared by it (``compare_pairs``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtr, stdtrit

from .contrast import Contrast
from .methods import compare, proportion, ratio
from .methods.always_valid import two_sided_zs
from .normal import Z95
from .results import NotEstimable
from .statistics.collected import COVARIATE, OUTCOME, Statistic
from .statistics.moments import Moments

Floats = npt.NDArray[np.float64]

_ROUNDING = 1e-13
_RELATIVE_SPREAD = 1e-12
_FEWEST_FOR_A_SLOPE = 6


@dataclass(frozen=True)
class Cells:
    """What is known of many arms: arrays of one shape, or of shapes that broadcast."""

    n: Floats
    mean: Floats
    m2: Floats  # centred sum of squares of the outcome
    covariate_mean: Floats
    covariate_m2: Floats  # 0 where there is no covariate
    cross: Floats  # centred cross products of outcome and covariate

    @classmethod
    def of(cls, moments: Sequence[Moments]) -> "Cells":
        """One cell for each of these; a missing covariate is one that does not vary."""
        if not moments or any(each.columns != moments[0].columns for each in moments):
            rows = np.array([_row(each) for each in moments], dtype=float).reshape(-1, 6)
            return cls(*rows.T)
        y = moments[0].columns.index(OUTCOME)
        n = np.array([each.n for each in moments], dtype=np.float64)
        mean, m2 = np.stack([each.mean for each in moments]), np.stack([e.m2 for e in moments])
        if COVARIATE not in moments[0].columns:
            nothing = np.zeros(len(n))
            return cls(n, mean[:, y], m2[:, y, y], nothing, nothing, nothing)
        x = moments[0].columns.index(COVARIATE)
        return cls(n, mean[:, y], m2[:, y, y], mean[:, x], m2[:, x, x], m2[:, y, x])

    def reshape(self, *shape: int) -> "Cells":
        """The same cells in another shape."""
        return Cells(*(values.reshape(shape) for values in vars(self).values()))


def _row(moments: Moments) -> tuple[float, ...]:
    outcome = (moments.n, moments.mean_of(OUTCOME), moments.cross(OUTCOME, OUTCOME))
    if COVARIATE not in moments.columns:
        return (*outcome, 0.0, 0.0, 0.0)
    return (
        *outcome,
        moments.mean_of(COVARIATE),
        moments.cross(COVARIATE, COVARIATE),
        moments.cross(OUTCOME, COVARIATE),
    )


@dataclass(frozen=True)
class Contrasts:
    """Treatments minus controls; NaN where ``estimable`` is false."""

    mean: Floats
    mean_control: Floats
    variance: Floats
    variance_control: Floats
    covariance: Floats
    df: Floats
    variance_reduction: Floats
    adjusted: npt.NDArray[np.bool_]  # by its covariate
    estimable: npt.NDArray[np.bool_]

    @property
    def effect(self) -> Floats:
        """Treatment minus control."""
        return self.mean - self.mean_control

    @property
    def se(self) -> Floats:
        """The standard errors of the effects."""
        found: Floats = np.sqrt(self.variance + self.variance_control - 2 * self.covariance)
        return found


def contrasts(control: Cells, treatment: Cells) -> Contrasts:
    """Every comparison, adjusted by its covariate where that can be done.

    A cell is not estimable with fewer than two units in an arm, without variance, or when its
    covariate explains everything: ask ``methods.compare`` for the reason and the remedy.
    """
    with np.errstate(all="ignore"):
        plain = _welch(control, treatment)
        adjusted, use, explained = _cuped(control, treatment, plain)
        chosen = {
            name: np.where(use, getattr(adjusted, name), getattr(plain, name))
            for name in vars(plain)
            if name not in ("estimable", "adjusted")
        }
        estimable = plain.estimable & ~explained & np.isfinite(chosen["df"])
        values = {name: np.where(estimable, each, np.nan) for name, each in chosen.items()}
    return Contrasts(**values, adjusted=use, estimable=estimable)


Pair = tuple[Statistic, Statistic]


def compare_pairs(pairs: Sequence[Pair]) -> list[Contrast | NotEstimable]:
    """What ``methods.compare`` says of each (control, treatment).

    Means of learners at once; what has a method of its own, or cannot be estimated, by itself.
    """
    at = [place for place, pair in enumerate(pairs) if _is_mean(*pair)]
    means = [each for place in at for each in pairs[place] if isinstance(each, Moments)]
    found: dict[int, Contrast | NotEstimable] = {}
    if at:
        together = contrasts(Cells.of(means[::2]), Cells.of(means[1::2]))
        alone = zip(at, means[::2], means[1::2], _one_by_one(together), strict=True)
        for place, control, treatment, (method, estimable, numbers) in alone:
            if estimable:
                n, n_control = treatment.n, control.n
                found[place] = Contrast(method, n, n_control, n, n_control, *numbers)
    return [found[place] if place in found else compare(*pair) for place, pair in enumerate(pairs)]


def _is_mean(control: Statistic, treatment: Statistic) -> bool:
    """Whether Welch or CUPED is the pair's method."""
    if type(control) is not Moments or type(treatment) is not Moments:
        return False
    return not ratio.is_ratio(control) and not proportion.fits(control, treatment, OUTCOME)


def _one_by_one(found: Contrasts) -> list[tuple[str, bool, list[float]]]:
    """Method, whether there is one, and the numbers in the order of ``Contrast``'s fields."""
    names = ("mean", "mean_control", "variance", "variance_control", "covariance", "df")
    numbers = np.stack([getattr(found, name) for name in (*names, "variance_reduction")], axis=1)
    methods = np.where(found.adjusted, "cuped", "welch").tolist()
    return list(zip(methods, found.estimable.tolist(), numbers.tolist(), strict=True))


def _welch(control: Cells, treatment: Cells) -> Contrasts:
    variance = treatment.m2 / (treatment.n - 1) / treatment.n
    variance_control = control.m2 / (control.n - 1) / control.n
    size = np.maximum(np.abs(treatment.mean), np.abs(control.mean))
    varies = variance + variance_control > (_ROUNDING * size) ** 2
    mean, mean_control, variance, variance_control = np.broadcast_arrays(
        treatment.mean, control.mean, variance, variance_control
    )
    return Contrasts(
        mean=mean,
        mean_control=mean_control,
        variance=variance,
        variance_control=variance_control,
        covariance=np.zeros(mean.shape),
        df=_satterthwaite(variance, treatment.n - 1, variance_control, control.n - 1),
        variance_reduction=np.zeros(mean.shape),
        adjusted=np.zeros(mean.shape, dtype=np.bool_),
        estimable=varies & (np.minimum(control.n, treatment.n) >= 2),
    )


def _satterthwaite(a: Floats, df_a: Floats, b: Floats, df_b: Floats) -> Floats:
    share_a, share_b = a / (a + b), b / (a + b)
    found: Floats = 1.0 / (share_a**2 / df_a + share_b**2 / df_b)
    return found


def _cuped(
    control: Cells, treatment: Cells, plain: Contrasts
) -> tuple[Contrasts, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The adjusted comparison, where to use it, and where the covariate explains everything."""
    n = control.n + treatment.n
    spread = control.covariate_m2 + treatment.covariate_m2
    centre = (
        control.covariate_mean
        + (treatment.covariate_mean - control.covariate_mean) * treatment.n / n
    )
    use = (n >= _FEWEST_FOR_A_SLOPE) & (spread > _RELATIVE_SPREAD * n * centre**2)
    slope = (control.cross + treatment.cross) / spread
    left, left_control = _residual(treatment, slope), _residual(control, slope)
    explained = use & (left + left_control <= _RELATIVE_SPREAD * (control.m2 + treatment.m2))
    slope_variance = (left + left_control) / (n - 3) / spread
    spent = (n - 2) / (n - 3)
    variance = spent * left / (treatment.n - 1) / treatment.n
    variance_control = spent * left_control / (control.n - 1) / control.n
    gap = treatment.covariate_mean - centre
    gap_control = control.covariate_mean - centre
    df = _satterthwaite(variance, treatment.n - 1, variance_control, control.n - 1) - 1
    variance = variance + gap**2 * slope_variance
    variance_control = variance_control + gap_control**2 * slope_variance
    covariance = gap * gap_control * slope_variance
    squared = variance + variance_control - 2 * covariance
    adjusted = Contrasts(
        mean=treatment.mean - slope * gap,
        mean_control=control.mean - slope * gap_control,
        variance=variance,
        variance_control=variance_control,
        covariance=covariance,
        df=np.maximum(df, 1.0),
        variance_reduction=np.maximum(0.0, 1 - squared / (plain.variance + plain.variance_control)),
        adjusted=use,
        estimable=plain.estimable,
    )
    return adjusted, use, explained


def _residual(cells: Cells, slope: Floats) -> Floats:
    return np.maximum(0.0, cells.m2 - 2 * slope * cells.cross + slope**2 * cells.covariate_m2)


@dataclass(frozen=True)
class Readings:
    """Test, always-valid interval and belief of every comparison; NaN where there is none."""

    low: Floats
    high: Floats
    p_value: Floats
    relative: Floats
    relative_low: Floats  # NaN as well where Fieller's interval is unbounded
    relative_high: Floats
    any_look_low: Floats
    any_look_high: Floats
    posterior_mean: Floats
    posterior_sd: Floats
    p_better: Floats
    expected_loss: Floats


def read_all(
    found: Contrasts,
    design_se: Floats,
    prior_sd: Floats,
    sign: Floats | int = 1,
    alpha: float = 0.05,
) -> Readings:
    """What every comparison says.

    Args:
        found: the comparisons.
        design_se: the standard error that is planned, for the always-valid interval.
        prior_sd: of a normal belief around 0.
        sign: 1 where more is better, -1 where less is.
        alpha: two-sided.
    """
    with np.errstate(all="ignore"):
        effect, se = found.effect, found.se
        reach = -stdtrit(found.df, alpha / 2) * se
        any_look = -stdtrit(found.df, ndtr(-two_sided_zs((np.asarray(design_se) / se) ** 2, alpha)))
        relative, relative_low, relative_high = _fieller(found, reach / se)
        likelihood_se = se * (reach / se if alpha == 0.05 else -stdtrit(found.df, ndtr(-Z95))) / Z95
        keep = prior_sd**2 / (prior_sd**2 + likelihood_se**2)
        mean, sd = keep * effect, np.sqrt(keep) * likelihood_se
        x = sign * mean / sd
        below = ndtr(-x)
        loss = sd * (np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) - x * below)
    return Readings(
        low=effect - reach,
        high=effect + reach,
        p_value=2 * stdtr(found.df, -np.abs(effect / se)),
        relative=relative,
        relative_low=relative_low,
        relative_high=relative_high,
        any_look_low=effect - any_look * se,
        any_look_high=effect + any_look * se,
        posterior_mean=mean,
        posterior_sd=sd,
        p_better=ndtr(x),
        expected_loss=np.maximum(0.0, loss),
    )


def _fieller(found: Contrasts, critical: Floats) -> tuple[Floats, Floats, Floats]:
    """Fieller's interval as in ``methods.fieller``, from the same critical value as the test."""
    base = found.mean_control
    ratio, q = found.mean / base, critical**2 / base / base
    v, v_control, v_both = q * found.variance, q * found.variance_control, q * found.covariance
    a, b = 1 - v_control, ratio - v_both
    within = v - 2 * ratio * v_both + ratio**2 * v_control - (v * v_control - v_both**2)
    reach = np.sqrt(np.maximum(within, 0.0))
    one, other = (b - reach) / a - 1, (b + reach) / a - 1
    low, high = np.where(base > 0, one, -other), np.where(base > 0, other, -one)
    bounded = a > 0
    share = np.where(base == 0, np.nan, found.effect / np.abs(base))
    return share, np.where(bounded, low, np.nan), np.where(bounded, high, np.nan)
