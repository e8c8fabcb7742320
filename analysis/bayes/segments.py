"""Segments: what is pooled, and what is believed of it before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

TAU_PER_EFFECT: Final = 0.5
"""How far segments may differ, as a share of how large the effect may be."""


@dataclass(frozen=True, eq=False)
class Segments:
    """Estimates of one effect in disjoint segments."""

    names: tuple[str, ...]
    effects: Floats  # (J,)
    ses: Floats  # (J,), > 0
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # factor -> each's level

    def __post_init__(self) -> None:
        """Refuse what cannot be pooled."""
        sizes = {len(self.names), len(self.effects), len(self.ses)}
        sizes |= {len(each) for each in self.levels.values()}
        if len(sizes) != 1 or len(self.names) < 2:
            raise ValueError(
                f"segments: found lengths {sorted(sizes)}; give a name, an effect, a standard error"
                " and a level of each factor for each of at least two segments"
            )
        if not (np.isfinite(self.effects).all() and np.isfinite(self.ses).all()):
            raise ValueError(
                "segments: effects and standard errors must be finite; leave out others"
            )
        if not (np.asarray(self.ses) > 0).all():
            raise ValueError("segments: every standard error must be above 0")

    def same_level(self) -> list[Floats]:
        """Of each factor, (J, J): 1 where two segments have the same level of it, else 0."""
        found = []
        for levels in self.levels.values():
            each = np.asarray(levels)
            found.append((each[:, None] == each).astype(np.float64))
        return found


@dataclass(frozen=True)
class Scales:
    """What is believed before the data: how large effects are, and how far segments differ."""

    mean_sd: float  # of the common effect
    tau: float  # half-normal scale of each tau; inf: flat
    mean: float = 0.0

    @classmethod
    def around(cls, effect_sd: float, mean: float = 0.0) -> "Scales":
        """What a belief about the whole effect says of its parts."""
        return cls(effect_sd, TAU_PER_EFFECT * effect_sd, mean)
