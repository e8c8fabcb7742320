"""The interval of a quotient whose two parts are estimated together (Fieller 1954)."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def quotient_interval(
    top: float, bottom: float, errors: Floats, critical: float
) -> tuple[float, float] | None:
    """All r for which ``top - r bottom`` is within ``critical`` standard errors of 0.

    Args:
        top: estimate of the numerator.
        bottom: estimate of the denominator.
        errors: (2, 2) covariance of both estimates, the numerator first.
        critical: a normal or t quantile, > 0.

    Returns:
        None when the denominator may be 0: then no bounded interval is honest.
    """
    square = critical**2
    a = bottom**2 - square * errors[1, 1]
    if a <= 0:
        return None
    b = top * bottom - square * errors[0, 1]
    c = top**2 - square * errors[0, 0]
    root = float(max(b**2 - a * c, 0.0) ** 0.5)
    return float((b - root) / a), float((b + root) / a)
