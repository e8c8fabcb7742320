"""Sampling with PyMC's models: compiled once for a shape, kept, and trusted only when they mixed.

Compiling takes some fifteen seconds, sampling a tenth of one. A model is therefore written for a
shape (so many groups, so many variants), gets its numbers as data, and stays compiled in the
process that asked for it. Run it in a job or a command, never in a web request.
"""

import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LARGEST_R_HAT: Final = 1.01
FEWEST_EFFECTIVE: Final = 400
CHAINS: Final = 4


@dataclass(frozen=True)
class Diagnostics:
    """Whether draws may be trusted: the worst figure over all parameters."""

    r_hat: float
    effective: float  # the smaller of bulk and tail effective sample size
    divergences: int

    @property
    def trusted(self) -> bool:
        """R-hat below 1.01, more than 400 effective draws, no divergence."""
        return (
            self.r_hat < LARGEST_R_HAT
            and self.effective > FEWEST_EFFECTIVE
            and self.divergences == 0
        )

    @property
    def sentence(self) -> str:
        """The figures, for people."""
        return (
            f"R-hat {self.r_hat:.3f}, {self.effective:.0f} effective draws,"
            f" {self.divergences} divergences"
        )


@dataclass(frozen=True)
class Effort:
    """How long to sample."""

    draws: int = 2_000  # kept, in each of four chains
    tune: int = 1_000
    target_accept: float = 0.995


HARDER: Final = Effort(draws=4_000, tune=2_000, target_accept=0.998)


@dataclass(frozen=True, eq=False)
class Sampled:
    """Draws of a model's parameters, chains joined: name to (draws, ...)."""

    values: dict[str, Floats]
    diagnostics: Diagnostics


Shape = tuple[str, *tuple[int, ...]]
"""A model's name and its sizes."""

_KEPT: dict[Shape, Any] = {}
_COMPILING = threading.Lock()


def sample(
    shape: Shape,
    build: Callable[[], Any],
    data: Mapping[str, Floats],
    seed: int,
    effort: Effort | None = None,
) -> Sampled:
    """Draws of a model for these data; the first call for a shape compiles it.

    Where chains have not mixed at the usual effort, a second attempt takes smaller steps.

    Args:
        shape: what the compiled model is kept under.
        build: makes the ``pymc.Model`` of that shape.
        data: a value for each of the model's ``pymc.Data``.
        seed: the same seed and data give the same draws.
        effort: how long to sample; given one, there is no second attempt.
    """
    with _quiet():
        compiled = _compiled(shape, build).with_data(**data)
    found = _attempt(compiled, seed, effort or Effort())
    if effort is None and not found.diagnostics.trusted:
        found = _attempt(compiled, seed + 1, HARDER)
    return found


def _attempt(compiled: Any, seed: int, effort: Effort) -> Sampled:
    with _quiet():
        import nutpie

        trace = nutpie.sample(
            compiled,
            draws=effort.draws,
            tune=effort.tune,
            chains=CHAINS,
            seed=seed % 2**32,
            target_accept=effort.target_accept,
            save_warmup=False,
            progress_bar=False,
        )
        by_chain = {
            str(name): np.asarray(trace.posterior[name].values, dtype=np.float64)
            for name in trace.posterior.data_vars
        }
        diagnostics = diagnose(by_chain, int(trace.sample_stats.diverging.sum()))
    joined = {name: each.reshape(-1, *each.shape[2:]) for name, each in by_chain.items()}
    return Sampled(joined, diagnostics)


def is_compiled(shape: Shape) -> bool:
    """Whether this process has compiled the model of this shape."""
    return shape in _KEPT


def forget() -> None:
    """Drop every compiled model, to give its memory back or to time a cold start."""
    _KEPT.clear()


def _compiled(shape: Shape, build: Callable[[], Any]) -> Any:
    with _COMPILING:
        if shape not in _KEPT:
            import nutpie

            _KEPT[shape] = nutpie.compile_pymc_model(build())
        return _KEPT[shape]


def diagnose(by_chain: Mapping[str, Floats], divergences: int) -> Diagnostics:
    """R-hat and effective sizes of draws, (chains, draws, ...), by Vehtari et al. (2021)."""
    with _quiet():
        import arviz

        dataset = arviz.convert_to_dataset(dict(by_chain))
        worst = max(float(each.max()) for each in arviz.rhat(dataset).data_vars.values())
        effective = min(
            float(each.min())
            for method in ("bulk", "tail")
            for each in arviz.ess(dataset, method=method).data_vars.values()
        )
    return Diagnostics(worst, effective, divergences)


@contextmanager
def _quiet() -> Any:
    """Nobody who reads a readout can act on what compilers and arviz announce."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
