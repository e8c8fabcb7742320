"""Sample ratio: did the variants get the shares that were planned?"""

from scipy.special import chdtrc

from .trust import Finding, Trust

ALARM = 0.001
"""Low, because it is read at every look (Fabijan et al., KDD 2019)."""

FEWEST_EXPECTED = 5.0


def run(trust: Trust) -> Finding | None:
    """Pearson's chi-square of exposed units against the planned shares.

    In a team experiment the units are teams: learners of a team come together and would raise
    false alarms.
    """
    total = sum(trust.n_exposed.values())
    planned = sum(trust.weights)
    expected = [total * weight / planned for weight in trust.weights]
    observed = [trust.n_exposed[variant] for variant in trust.variants]
    details: dict[str, object] = {
        "observed": dict(zip(trust.variants, observed, strict=True)),
        "expected": dict(zip(trust.variants, expected, strict=True)),
    }
    if min(expected) < FEWEST_EXPECTED:
        return Finding(
            True, f"With {total} {trust.units} the shares cannot be checked yet.", None, details
        )
    pairs = zip(observed, expected, strict=True)
    chi_square = sum((o - e) ** 2 / e for o, e in pairs)
    p_value = float(chdtrc(len(observed) - 1, chi_square))
    if p_value >= ALARM:
        return Finding(True, "The variants got the shares that were planned.", p_value, details)
    counts = ", ".join(f"{v} {o}" for v, o in zip(trust.variants, observed, strict=True))
    shares = ", ".join(f"{v} {e:.0f}" for v, e in zip(trust.variants, expected, strict=True))
    return Finding(
        False,
        f"The variants did not get their planned shares of {trust.units} (found {counts};"
        f" planned {shares}): some are lost or counted where they should not be.",
        p_value,
        details,
    )
