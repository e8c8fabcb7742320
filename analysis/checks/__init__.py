"""Trust checks, one row each in ``CHECKS``: before a number is believed."""

from typing import Final

from analysis.results import CheckResult

from . import (
    balance,
    carry_over,
    crossed_units,
    enough_units,
    freshness,
    maturity,
    missing_outcomes,
    novelty,
    outliers,
    sample_ratio,
)
from .trust import Check, Trust, result_of

CHECKS: Final = (
    Check("sample_ratio", "Sample ratio", "stop", sample_ratio.run),
    Check("crossed_units", "One variant per unit", "stop", crossed_units.run),
    Check("maturity", "Complete outcome windows", "warn", maturity.run),
    Check("enough_units", "Enough units", "warn", enough_units.run),
    Check("balance", "Alike before exposure", "warn", balance.run),
    Check("carry_over", "Nothing lingers", "warn", carry_over.run),
    Check("freshness", "Fresh events", "warn", freshness.run),
    Check("novelty", "Same effect early and late", "warn", novelty.run),
    Check("outliers", "No few who decide", "warn", outliers.run),
    Check("missing_outcomes", "Missing values", "warn", missing_outcomes.run),
)


def check_all(trust: Trust) -> tuple[CheckResult, ...]:
    """What each check that applies has found, in the table's order."""
    found = ((check, check.run(trust)) for check in CHECKS)
    return tuple(result_of(check, finding) for check, finding in found if finding is not None)
