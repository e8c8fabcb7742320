"""What one unit adds to the error, by kind of metric and design. All are squares of the metric."""


def mean_variance(sd: float, variance_reduction: float = 0.0) -> float:
    """Of a learner's outcome, after a covariate that removes this share of its variance.

    For CUPED the share is the squared correlation with the window before; for strata it is the
    share of variance that lies between them.
    """
    _check("sd", sd, low=0.0)
    _check("variance_reduction", variance_reduction, low=0.0, high=0.999)
    return sd**2 * (1 - variance_reduction)


def proportion_variance(share: float, effect: float = 0.0) -> float:
    """Of a yes or no, halfway between the control's share and the treatment's."""
    _check("share", share, low=0.0, high=1.0)
    middle = share + effect / 2
    if not 0 < middle < 1:
        raise ValueError(
            f"effect: found {effect:g}, which takes the share of {share:g} out of 0 to 1"
        )
    return middle * (1 - middle)


def ratio_variance(
    means: tuple[float, float], variances: tuple[float, float], covariance: float
) -> float:
    """Of a unit's part in a ratio of sums, numerator first (delta method)."""
    (above, below), (above_variance, below_variance) = means, variances
    if below <= 0:
        raise ValueError(
            f"means: the denominator's is {below:g}; a ratio needs one above 0, such as sessions"
        )
    ratio = above / below
    return (above_variance - 2 * ratio * covariance + ratio**2 * below_variance) / below**2


def design_effect(team_size: float, icc: float, size_cv: float = 0.0) -> float:
    """How many times as many learners teams need as learners drawn one by one.

    1 + ((1 + cv²) m - 1) icc (Donner, Klar 2000; unequal sizes: Eldridge, Ashby, Kerry 2006).

    Args:
        team_size: mean number of learners of a team.
        icc: share of variance that lies between teams, 0-1.
        size_cv: standard deviation of the sizes over their mean.
    """
    _check("team_size", team_size, low=1.0)
    _check("icc", icc, low=0.0, high=1.0)
    _check("size_cv", size_cv, low=0.0)
    return 1 + ((1 + size_cv**2) * team_size - 1) * icc


def team_variance(
    learner_variance: float, team_size: float, icc: float, size_cv: float = 0
) -> float:
    """Of one team's contribution, when teams are the units."""
    return learner_variance * design_effect(team_size, icc, size_cv) / team_size


def crossover_variance(sd: float, correlation: float) -> float:
    """Of a learner in a crossover of two periods, in two groups by order.

    Half the within-learner difference is what each learner says of the effect.

    Args:
        sd: of one period's outcome over learners.
        correlation: of a learner's two periods, below 1.
    """
    _check("sd", sd, low=0.0)
    _check("correlation", correlation, low=-1.0, high=0.9999)
    return sd**2 * (1 - correlation) / 2


def _check(name: str, value: float, low: float, high: float = float("inf")) -> None:
    if not low <= value <= high:
        wanted = f"at least {low:g}" if high == float("inf") else f"{low:g} to {high:g}"
        raise ValueError(f"{name}: found {value:g}, expected {wanted}")
