"""Prior: what is believed of an effect before the experiment's own data."""

from dataclasses import dataclass
from typing import Any, Literal

PriorSource = Literal["weak", "learned", "stated"]


@dataclass(frozen=True)
class Prior:
    """A normal belief about an effect, or a scale mixture of normals with heavier tails.

    ``weak`` stands for "nothing is known but the size of what matters", ``learned`` for the spread
    of past experiments' effects, ``stated`` for what an analyst wrote down.
    """

    sd: float  # of the whole belief, in the metric's unit; > 0
    mean: float = 0.0
    source: PriorSource = "weak"
    n_experiments: int = 0  # that it was learned from
    components: tuple[tuple[float, float], ...] = ()  # (weight, sd) around the mean; () is one sd

    @property
    def parts(self) -> tuple[tuple[float, float], ...]:
        """The mixture's (weight, sd); weights sum to 1."""
        return self.components or ((1.0, self.sd),)

    @property
    def tail(self) -> str:
        """``normal``, or ``heavy`` when several scales are mixed."""
        return "heavy" if len(self.components) > 1 else "normal"

    def to_json(self) -> dict[str, Any]:
        """The prior as plain JSON values."""
        return {**vars(self), "components": [list(part) for part in self.components]}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Prior":
        """The prior that ``to_json`` wrote."""
        parts = tuple((float(weight), float(sd)) for weight, sd in plain["components"])
        return cls(**{**plain, "components": parts})
