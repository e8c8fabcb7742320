"""Rossi's recidivism study: does money after release keep people from being arrested again?

432 men released from prison in Maryland, half of them with financial aid, watched for 52 weeks
(Rossi, Berk, Lenihan 1980). The table comes with the package lifelines.

Run it: python -m examples.published.rossi
"""

from typing import Final

import analysis
from analysis.table.library import TableAnalysis

from .beside import Beside, table

WEEKS: Final = 52
FOX: Final = "Fox and Weisberg, Cox regression appendix to An R Companion: fin -0.379 (0.191)"
SURVIVAL: Final = "R survival: survdiff(Surv(week, arrest) ~ fin): 3.8 on 1 df, p = 0.05"
EVENTS: Final = "Allison, Survival Analysis Using SAS (1995): 114 of 432 men were arrested"


def read() -> TableAnalysis:
    """Momentum's readout: weeks without an arrest, counted up to a year."""
    # A development dependency: only this example needs it.
    from lifelines.datasets import load_rossi

    plan = analysis.Plan(
        unit=None,
        variant="fin",
        control="0",
        outcomes=(
            analysis.survival("week", "arrest", horizon=WEEKS, title="weeks without arrest"),
            analysis.mean("arrest", "decrease", title="arrested within a year"),
        ),
        unit_label="people",
        titles={"1": "financial aid", "0": "no aid"},
    )
    return analysis.readout(load_rossi(), plan)


def cox() -> float:
    """The published model's coefficient of aid, by lifelines: Momentum has no Cox regression."""
    from lifelines import CoxPHFitter
    from lifelines.datasets import load_rossi

    return float(CoxPHFitter().fit(load_rossi(), "week", "arrest").params_["fin"])


def compare() -> list[Beside]:
    """Our figures beside the published ones."""
    found = read()
    test = found.log_ranks["week", "1"]
    share = found.estimates[1]
    arrested = share.mean * share.n + share.mean_control * share.n_control
    return [
        Beside("log-rank chi-square", test.chi_square, 3.8, 0.05, SURVIVAL),
        Beside("log-rank p", test.p_value, 0.05, 0.005, SURVIVAL),
        Beside("men who were arrested", arrested, 114, 1e-9, EVENTS),
        Beside("Cox coefficient of aid (lifelines)", cox(), -0.379, 0.0005, FOX),
    ]


def main() -> None:
    """Print the readout and the comparison."""
    print(read().summary(80))
    print()
    print(table("Recidivism", compare()))


if __name__ == "__main__":
    main()
