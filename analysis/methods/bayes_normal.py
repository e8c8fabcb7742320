"""Normal prior times normal likelihood: what to believe after the data, in closed form.

A prior learned from past experiments is a scale mixture of normals; the posterior then is a mixture
as well, and everything stays closed form.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from analysis.bayes.belief import Belief
from analysis.bayes.belief import chances_to_be_best as best_of_one_factor
from analysis.bayes.prior import Prior
from analysis.bayes.segments import Segments
from analysis.contrast import Contrast, critical_t
from analysis.normal import Z95
from analysis.results import Posterior

Floats = npt.NDArray[np.float64]


def posterior(
    contrast: Contrast, prior: Prior | float, sign: int = 1, minimum_effect: float | None = None
) -> Posterior:
    """The belief about the effect: prior times N(effect, se^2).

    With few degrees of freedom the standard error is widened until the likelihood's 95 % interval
    is the t interval, so that belief and test speak of the same data. As the prior widens, the 95 %
    interval becomes the t interval and ``p_better`` becomes 1 - p/2.

    Args:
        contrast: what the method found.
        prior: or the sd, in the metric's unit, of a normal one around 0.
        sign: 1 when more is better, -1 when less is better.
        minimum_effect: smallest difference that matters.
    """
    prior = as_prior(prior)
    belief = Belief.after(prior, contrast.effect, likelihood_se(contrast))
    low, high = belief.interval()
    return Posterior(
        mean=belief.mean,
        sd=belief.sd,
        low=low,
        high=high,
        p_better=chance_beyond(belief, 0.0, sign),
        p_meaningful=(
            None if minimum_effect is None else chance_beyond(belief, minimum_effect, sign)
        ),
        expected_loss=belief.loss(sign),
        prior_sd=prior.sd,
        prior_mean=prior.mean,
        prior_source=prior.source,
        prior_experiments=prior.n_experiments,
        prior_tail=prior.tail,
    )


def as_prior(prior: Prior | float) -> Prior:
    """A prior, or the sd of a normal one around 0.

    Raises:
        ValueError: the sd is not positive.
    """
    found = prior if isinstance(prior, Prior) else Prior(sd=float(prior))
    if not found.sd > 0:
        raise ValueError(
            f"prior sd: found {found.sd!r}, expected a number above 0 in the metric's unit; for a"
            " metric in points where 2 points matter, write 4"
        )
    return found


def chance_beyond(belief: Belief, value: float, sign: int = 1) -> float:
    """The chance that the effect passes ``value`` in the good direction."""
    if sign > 0:
        return belief.above(value)
    return Belief(belief.weights, -belief.means, belief.sds).above(value)


def likelihood_se(contrast: Contrast) -> float:
    """The normal standard error whose 95 % interval is the contrast's t interval."""
    return contrast.se * critical_t(Z95, contrast.df) / Z95


def segments_of(
    contrasts: Mapping[str, Contrast], levels: Mapping[str, tuple[str, ...]] | None = None
) -> Segments:
    """One effect in several segments, by name, ready to be pooled.

    Args:
        contrasts: of at least two segments that share no unit.
        levels: factor -> each segment's level, where segments are cells of several factors.
    """
    found = contrasts.values()
    return Segments(
        tuple(contrasts),
        np.array([each.effect for each in found]),
        np.array([likelihood_se(each) for each in found]),
        levels or {},
    )


def expected_loss(mean: float, sd: float) -> float:
    """What shipping costs on average where it is the worse choice: E[max(0, -effect)]."""
    return Belief.normal(mean, sd).loss()


def chances_to_be_best(
    contrasts: Sequence[Contrast], prior: Prior | float, sign: int = 1
) -> tuple[float, ...]:
    """The chance of each variant to have the best mean; the control comes first. They sum to 1.

    All treatments share the control, so their errors go together. Given the control's error they
    are independent, which leaves two integrals, made by quadrature: about seven digits. Under a
    prior with several scales, the treatments of an experiment share the scale.
    """
    prior = as_prior(prior)
    effects = np.array([contrast.effect for contrast in contrasts])
    total = np.array([likelihood_se(contrast) ** 2 for contrast in contrasts])
    # Under a shared covariate the control's part may exceed the whole by rounding.
    base = np.array([min(c.variance_control, 0.999 * c.se**2) for c in contrasts])
    logs, gaps, noises, shared = [], [], [], []
    for weight, scale in prior.parts:
        log, gap, noise, common = _given_scale(effects - prior.mean, total - base, base, scale)
        logs.append(np.log(weight) + log)
        gaps.append(sign * (prior.mean + gap))
        noises.append(noise)
        shared.append(common)
    weights = np.exp(np.array(logs) - max(logs))
    chances = best_of_one_factor(weights / weights.sum(), gaps, noises, shared)
    return tuple(float(chance) for chance in chances)


def _given_scale(
    effects: Floats, own: Floats, base: Floats, scale: float
) -> tuple[float, Floats, Floats, Floats]:
    """The joint posterior given the prior's sd: log evidence, means, own and common errors.

    Errors are diag(own) + s s' with s = sqrt(base). By Sherman and Morrison the posterior's
    covariance has the same shape.
    """
    s = np.sqrt(base)
    spread = own + scale**2
    keep = scale**2 / spread
    overlap = 1 + s @ (s / spread)
    solved = effects / spread - s / spread * (s @ (effects / spread)) / overlap
    log_evidence = -0.5 * float(np.log(spread).sum() + np.log(overlap) + effects @ solved)
    # tau^2 I - tau^4 (D + tau^2 I + ss')^-1 = diag(keep * own) + (keep s)(keep s)' / overlap
    return log_evidence, scale**2 * solved, np.sqrt(keep * own), keep * s / np.sqrt(overlap)
