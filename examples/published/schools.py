"""Eight schools: how much did coaching raise SAT scores, school by school?

Rubin's (1981) eight parallel experiments, as in Gelman and others, Bayesian Data Analysis, third
edition, section 5.5: flat priors on the common effect and on the spread between schools. The book's
table 5.3 is made of 200 simulated draws and rounded to whole points; a median of 200 draws with a
standard deviation of 8 is off by 0.7 points, a 2.5 % quantile by 2 or so.

Run it: python -m examples.published.schools
"""

from typing import Final

import numpy as np

from analysis.bayes.pooling import Pooling, pool
from analysis.bayes.segments import Scales, Segments

from .beside import Beside, table

SCHOOLS: Final = tuple("ABCDEFGH")
EFFECTS: Final = (28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0)
ERRORS: Final = (15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0)
MEDIANS: Final = (10.0, 8.0, 7.0, 8.0, 5.0, 6.0, 10.0, 8.0)
MEDIAN_WITHIN: Final = 2.5
TABLE: Final = "Bayesian Data Analysis, third edition, table 5.3: the posterior's median"
TEXT: Final = "Bayesian Data Analysis, section 5.5: all schools as one, 7.7 with error 4.1"


def read() -> Pooling:
    """Momentum's partial pooling, with the book's flat priors; no simulation decides anything."""
    segments = Segments(SCHOOLS, np.array(EFFECTS), np.array(ERRORS))
    return pool(segments, Scales(mean_sd=1e6, tau=float("inf")), seed=1)


def as_one() -> tuple[float, float]:
    """The effect and its error if all schools shared one, by inverse variances."""
    weights = np.array(ERRORS) ** -2
    return float(weights @ np.array(EFFECTS) / weights.sum()), float(weights.sum() ** -0.5)


def compare() -> list[Beside]:
    """Our figures beside the published ones."""
    found = read()
    medians = np.median(found.draws, axis=0)
    effect, error = as_one()
    rows = [
        Beside(f"school {name}", float(ours), theirs, MEDIAN_WITHIN, TABLE)
        for name, ours, theirs in zip(SCHOOLS, medians, MEDIANS, strict=True)
    ]
    return [
        *rows,
        Beside("all as one: effect", effect, 7.7, 0.05, TEXT),
        Beside("all as one: error", error, 4.1, 0.05, TEXT),
    ]


def main() -> None:
    """Print the comparison and our intervals."""
    found = read()
    print(table("Eight schools", compare()))
    print()
    for each in found.segments:
        print(f"  {each.name}: {each.mean:5.1f}, 95 % from {each.low:5.1f} to {each.high:5.1f}")
    mean, low, high = found.taus["segment"]
    print(f"  spread between schools: {mean:.1f}, 95 % from {low:.1f} to {high:.1f}")
    print(f"  {found.note}")


if __name__ == "__main__":
    main()
