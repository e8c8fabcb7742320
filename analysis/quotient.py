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
    if bottom == 0:
        return None
    # Where a r^2 - 2 b r + c <= 0, in units of the denominator: squares of very large or small
    # estimates would leave the range of a double.
    ratio = top / bottom
    v, v_bottom, v_both = (
        critical**2 * (float(error) / bottom / bottom)
        for error in (errors[0, 0], errors[1, 1], errors[0, 1])
    )
    a = 1 - v_bottom
    if a <= 0:
        return None
    b = ratio - v_both
    # c is ratio^2 - v. The discriminant b^2 - a c is written out: its large terms cancel.
    discriminant = v - 2 * ratio * v_both + ratio**2 * v_bottom - (v * v_bottom - v_both**2)
    reach = max(discriminant, 0.0) ** 0.5
    return (b - reach) / a, (b + reach) / a
