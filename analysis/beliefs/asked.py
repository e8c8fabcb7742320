"""What every one of these questions refuses, and where its random numbers come from."""

from analysis.plan import AnalysisPlan


def seed_of(plan: AnalysisPlan) -> int:
    """The same plan draws the same numbers."""
    return int(plan.fingerprint()[:8], 16)


def refuse_misfit(plan: AnalysisPlan) -> None:
    """Refuse designs whose learners do not all meet one variant at one share.

    Raises:
        ValueError: says which, and what to read instead.
    """
    for name, found in (("a crossover", plan.crossover), ("a bandit", plan.batches)):
        if found:
            raise ValueError(
                f"{plan.experiment}: found {name}, expected variants side by side with fixed "
                "shares; its readout says what can be said"
            )
