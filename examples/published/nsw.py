"""The National Supported Work job training: what it did to earnings in 1978.

The randomised sample of LaLonde (1986) as Dehejia and Wahba (1999) drew it: 185 trainees and 260
controls, earnings in dollars. The table comes with the package causaldata.

Run it: python -m examples.published.nsw
"""

from typing import Final

import analysis
from analysis.table.library import TableAnalysis

from .beside import Beside, table

WEIGHTS: Final = {"0": 260.0, "1": 185.0}
DEHEJIA: Final = "Dehejia and Wahba (1999), JASA 94:1053, table 2: 1,794 (633)"
IMBENS: Final = "Imbens and Rubin (2015), Causal Inference: 1.79 (0.67), thousands, Neyman's error"


def read(*covariates: str) -> TableAnalysis:
    """Momentum's readout of the experiment."""
    # A development dependency: only this example needs it.
    from causaldata import nsw_mixtape

    plan = analysis.Plan(
        unit=None,
        variant="treat",
        control="0",
        outcomes=(analysis.mean("re78", title="earnings in 1978"),),
        covariate=covariates,
        weights=WEIGHTS,
        unit_label="people",
        titles={"1": "job training"},
    )
    return analysis.readout(nsw_mixtape.load_pandas().data, plan)


def pooled_error(found: TableAnalysis) -> float:
    """The error as regressions print it: one variance for both variants.

    Ours is Welch's, which lets each variant have its own; from it and the two counts alone the
    pooled one cannot be had, so this one is computed from the rows.
    """
    from causaldata import nsw_mixtape

    rows = nsw_mixtape.load_pandas().data
    groups = [rows.re78[rows.treat == arm].astype(float) for arm in (1, 0)]
    squares = sum(float(((each - each.mean()) ** 2).sum()) for each in groups)
    n = found.estimates[0].n, found.estimates[0].n_control
    return float((squares / (sum(n) - 2) * (1 / n[0] + 1 / n[1])) ** 0.5)


def compare() -> list[Beside]:
    """Our figures beside the published ones."""
    found = read()
    plain = found.estimates[0]
    return [
        Beside("difference in means", plain.effect, 1794.34, 0.005, DEHEJIA),
        Beside("pooled standard error, from the rows", pooled_error(found), 632.85, 0.005, DEHEJIA),
        Beside("our standard error (Welch, in thousands)", plain.se / 1000, 0.67, 0.005, IMBENS),
    ]


def main() -> None:
    """Print both readouts and the comparison."""
    print(read().summary(80))
    print()
    print("With the earnings of 1974 and 1975 as covariates:")
    adjusted = read("re74", "re75")
    estimate = adjusted.estimates[0]
    print(f"  {estimate.effect:.2f}, standard error {estimate.se:.2f} ({estimate.method})")
    print()
    print(table("National Supported Work", compare()))


if __name__ == "__main__":
    main()
