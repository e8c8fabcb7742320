"""Phrases: the words that a decision's reason and remedy are made of."""

from collections.abc import Sequence
from math import ceil

from .case import Evidence, Guardrail, Treatment


def days_run(e: Evidence) -> int:
    """Whole days since the start."""
    return int(e.days_running or 0)


def more_days(e: Evidence) -> str:
    """The days that are left, in whole ones."""
    left = ceil(e.days_left or 0)
    return f"{left:,} more day{'s' if left > 1 else ''}"


def days(count: int) -> str:
    """So many days."""
    return f"{count:,} day{'s' if count > 1 else ''}"


def change(e: Evidence, treatment: Treatment) -> str:
    """What a treatment did to the metric."""
    direction = "raises" if treatment.effect >= 0 else "lowers"
    size = amount(e, abs(treatment.effect))
    return f"{e.name(treatment.variant)} {direction} {e.metric} by {size}"


def effect(e: Evidence, treatment: Treatment) -> str:
    """What a treatment did to the primary, with the look's interval."""
    low, high = sorted((treatment.low, treatment.high))
    return f"{change(e, treatment)} (interval {number(low)} to {number(high)})"


def elsewhere(e: Evidence, treatment: Treatment) -> list[str]:
    """What a treatment did on the primaries that it is not spoken of by; [] with one primary."""
    lead = e.lead(treatment)[1]
    found = []
    for seen, on in e.on_each(treatment):
        if on is lead:
            continue
        if on.wins:
            found.append(f"it wins on {seen.metric} as well (interval {span(seen, on)})")
        elif on.looks_worse:
            found.append(f"on {seen.metric} it looks worse (interval {span(seen, on)})")
        else:
            found.append(f"on {seen.metric} no difference is shown (interval {span(seen, on)})")
    found += [f"every unit has the same {title}" for title in treatment.same_for_all]
    return [*found, *(f"there is no estimate of {title}" for title in treatment.missing)]


def unseen(e: Evidence, treatment: Treatment) -> str:
    """What is known of a treatment without an estimate on the primary."""
    known = [f"there is no estimate of {e.metric}: {treatment.unseen}"]
    known += [effect(seen, on) for seen, on in e.on_each(treatment)]
    return f"{'; '.join(known)}."


def span(e: Evidence, on: Treatment) -> str:
    """The look's interval, with its unit."""
    return f"{number(min(on.low, on.high))} to {amount(e, max(on.low, on.high))}"


def sure_harm(e: Evidence, treatment: Treatment) -> str:
    """Harm by the always-valid bound, where the look's own, wider interval may hold 0."""
    return f"{change(e, treatment)} (at least {amount(e, treatment.surely)} at any look)"


def amount(e: Evidence, value: float) -> str:
    """A number with the metric's unit."""
    return f"{number(value)} {e.unit_label}".rstrip()


def amount_of(guardrail: Guardrail, value: float) -> str:
    """A number with the guardrail's unit."""
    return f"{number(value)} {guardrail.unit_label}".rstrip()


def titles(guardrails: Sequence[Guardrail]) -> str:
    """The guardrails' names."""
    return listed([each.title for each in guardrails])


def number(value: float) -> str:
    """A number as people write it: three digits, no exponent where it can be helped."""
    if value == 0 or 1e-4 <= abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e12 else f"{value:.2e}"


def percent(share: float) -> str:
    """A share for people; never quite certain, either way."""
    if share > 0.999:
        return "over 99.9 %"
    if share < 0.001:
        return "under 0.1 %"
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def listed(parts: Sequence[str]) -> str:
    """Several things in one breath."""
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]
