"""How often any of several treatments is found without an effect, at one look.

Writes the table of docs/statistics/dunnett.md. A shape of the data is one row in ``SHAPES``.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from analysis.contrast import Contrast, critical_t
from analysis.methods import welch
from analysis.methods.dunnett import adjusted_p_value, loadings
from analysis.results import NotEstimable
from analysis.statistics.moments import Moments

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "statistics" / "dunnett.md"
REPETITIONS: Final = 20_000
SEED: Final = 20_261_123
ALPHA: Final = 0.05
Z_ALONE, Z_DIVIDED = 1.959963984540054, 2.3939797998185104
"""Two-sided, of 5 % and of a third of it: Dunnett's value lies between the two."""


@dataclass(frozen=True)
class Shape:
    """Units and spread of each arm, the control first; three treatments."""

    title: str
    n: tuple[int, int, int, int]
    sd: tuple[float, float, float, float]


SHAPES: Final = (
    Shape("40 units each, equal spread", (40, 40, 40, 40), (1, 1, 1, 1)),
    Shape("60, 20, 30, 15 units, spreads 1, 1, 2, 1.5", (60, 20, 30, 15), (1, 1, 2, 1.5)),
)


def called(contrasts: tuple[Contrast, ...]) -> tuple[bool, bool]:
    """Whether Dunnett's comparison, and whether Bonferroni's, finds any of them."""
    farthest = [abs(c.effect) / c.se for c in contrasts]
    pairs = list(zip(farthest, contrasts, strict=True))
    if any(t > critical_t(Z_DIVIDED, c.df) for t, c in pairs):
        return True, True
    # Dunnett's value is never below that of one comparison: most experiments are settled by it.
    near = [(t, c) for t, c in pairs if t > critical_t(Z_ALONE, c.df)]
    shared = loadings(contrasts)
    return any(adjusted_p_value(t, shared, c.df) < ALPHA for t, c in near), False


def false_calls(shape: Shape, n: int = REPETITIONS) -> tuple[float, float]:
    """The share of experiments without an effect in which each of the two finds one."""
    rng = np.random.default_rng([SEED, *shape.n])
    calls = np.zeros(2)
    for _ in range(n):
        arms = [
            Moments.of(("outcome",), rng.normal(0, sd, (count, 1)))
            for count, sd in zip(shape.n, shape.sd, strict=True)
        ]
        found = [welch.estimate(arms[0], arm) for arm in arms[1:]]
        calls += called(tuple(c for c in found if not isinstance(c, NotEstimable)))
    dunnett, bonferroni = calls / n
    return float(dunnett), float(bonferroni)


def run() -> None:
    """Measure every shape and write the page's table."""
    lines = ["| arms | Dunnett calls any | Bonferroni calls any |", "|---|---|---|"]
    for shape in SHAPES:
        cells = [f"{100 * share:.2f} %" for share in false_calls(shape)]
        lines.append(f"| {shape.title} | {' | '.join(cells)} |")
    print("\n".join(lines))
    begin, end = "<!-- begin false-calls -->", "<!-- end false-calls -->"
    before, rest = PAGE.read_text().split(begin)
    PAGE.write_text("\n".join([before + begin, *lines, end + rest.split(end)[1]]))
