"""Always-valid bounds: true at every moment at once, however often someone looks."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import lambertw

from analysis.contrast import FARTHEST_Z


def two_sided_z(fraction: float, alpha: float = 0.05) -> float:
    """How many standard errors an interval needs that may be read at any time.

    Asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, arXiv 2103.06476,
    theorem 2.2), tightest at full information. With next to no information it ends at
    ``FARTHEST_Z``, which chance does not reach (p = 1e-15), so that every interval is finite.

    Args:
        fraction: information now over planned information; > 0, may exceed 1.
        alpha: two-sided, over all times together.
    """
    return float(two_sided_zs(np.asarray(fraction), alpha))


def two_sided_zs(fractions: npt.NDArray[np.float64], alpha: float) -> npt.NDArray[np.float64]:
    """``two_sided_z`` of many fractions at once."""
    t = fractions * _tuning(alpha)
    zs: npt.NDArray[np.float64] = np.sqrt((t + 1) / t * np.log((t + 1) / alpha**2))
    return np.minimum(FARTHEST_Z, zs)


def one_sided_z(fraction: float, alpha: float = 0.025) -> float:
    """The same for a bound on one side only (proposition B.1): used for harm.

    Args:
        fraction: information now over planned information; > 0, may exceed 1.
        alpha: one-sided, over all times together.
    """
    t = fraction * _tuning(2 * alpha)
    z = float(np.sqrt(2 * (t + 1) / t * np.log(1 + np.sqrt(t + 1) / (2 * alpha))))
    return min(FARTHEST_Z, z)


@lru_cache(maxsize=64)
def _tuning(alpha: float) -> float:
    """The n rho^2 that makes the sequence tightest at full information (their section B.2)."""
    return float(-lambertw(-(alpha**2) / np.e, k=-1).real - 1)
