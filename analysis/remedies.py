"""Remedies: what would change a decision, with its numbers."""

from math import ceil

from .case import CERTAIN_ENOUGH, Evidence, Treatment
from .phrases import amount, days, listed, number, percent, titles
from .teams import FEW_TEAMS


def mend(e: Evidence) -> str:
    """For a broken experiment."""
    names = listed([check.title for check in e.broken])
    return f"Mend what {names} names, then start a new phase."


def redesign(e: Evidence) -> str:
    """For harm."""
    if all(t.harms_a_primary for t in e.out):
        return "A redesigned variant, in a new experiment."
    return "Nothing at this margin: the bound holds at any moment of looking."


def undo_winner(e: Evidence) -> str:
    """For a winner."""
    seen, best = e.lead(e.chosen[0])
    near = min(abs(best.low), abs(best.high))
    text = f"The interval stays {amount(seen, near)} clear of 0; what would undo it is"
    return f"{text} a guardrail that turns out harmed, or a trust check that fails."


def ripen(e: Evidence) -> str:
    """For a winner that is too early."""
    if e.ran_long_enough:
        return "The next planned look, if the result still stands."
    left = ceil(e.minimum_days - (e.days_running or 0))
    return f"{days(left)} more, and then the next planned look, if the result still stands."


def show_guardrails(e: Evidence) -> str:
    """For a winner whose guardrails are not shown."""
    found = [
        f"{each.title}: about {number(each.times_the_units)} times as many units, if it is spared"
        for each in e.winners[0].guardrails_in("open")
        if each.times_the_units is not None and each.times_the_units > 1
    ]
    more = f" ({'; '.join(found)})" if found else ""
    names = titles(e.winners[0].unshown)
    if e.final:
        return f"People who accept the loss that {names} still allows, or a new phase{more}."
    return f"A later look that shows {names} spared{more}."


def estimate_co_primary(e: Evidence) -> str:
    """For a winner on which a co-primary tells nothing."""
    names = listed(e.winners[0].missing)
    if e.final:
        return f"People who accept that nobody knows what it does for {names}, or a new phase."
    return f"A later look with an estimate of {names}, if it shows no harm."


def more_teams(_: Evidence) -> str:
    """For a winner by few teams."""
    return (
        f"A new phase with at least {FEW_TEAMS} teams in every variant, better 20; or people who"
        " take it all the same, knowing how little stands behind it."
    )


def settle(e: Evidence) -> str:
    """For evidence that disagrees."""
    if not e.ran_long_enough:
        return f"A new phase of at least {e.minimum_days} days."
    seen = e.lead(e.winners[0])[0] if e.winners else e.believed_alone[0][0]
    most = amount(seen, seen.threshold)
    return (
        f"People weigh the two. They agree once, on {seen.metric}, the chance to be better reaches"
        f" {percent(CERTAIN_ENOUGH)}, the loss to expect is at most {most} and"
        " the interval leaves 0; more units bring them together."
    )


def wait(_: Evidence) -> str:
    """For no estimate yet."""
    return "Units whose outcome window is complete."


def vary(_: Evidence) -> str:
    """For no estimate at all."""
    return "More units, or a metric that varies."


def smaller_minimum(e: Evidence) -> str:
    """For a difference that is too small."""
    at_each = e.by_primary(e.remaining)
    most = [
        amount(seen, max(on.farthest for on in found))
        + (f" on {seen.metric}" if len(at_each) > 1 else "")
        for seen, found in at_each
    ]
    return (
        f"A minimum effect below {' or '.join(most)}, the largest difference that the data allow."
        " Until then, take the cheaper variant."
    )


def new_phase(e: Evidence) -> str:
    """For looks that are over."""
    if e.information < 1:
        times = number(1 / e.information)
        return (
            f"A new phase with about {times} times as many units (the planned precision), or a"
            " larger minimum effect."
        )
    return "A new phase with more units, or a larger minimum effect."


def leave_zero(e: Evidence) -> str:
    """For an experiment that runs on."""
    leading = max(e.remaining, key=lambda t: t.p_best)
    at_each = e.on_each(leading)
    seen, near = min(at_each, key=_farness)
    where = f" on {seen.metric}" if len(at_each) > 1 else ""
    within = [f"±{amount(each, each.minimum_effect)}" for each, _ in at_each]
    all_of = "one that lies" if len(at_each) == 1 else "all that lie"
    now = f"that of {e.name(leading.variant)}{where}"
    if near.looks_worse:
        wanted = f"An interval on the better side of 0 ({now} lies on the worse one)"
    else:
        wanted = f"An interval that leaves 0 ({now} reaches {amount(seen, _gap(near))} beyond it)"
    return f"{wanted}, or {all_of} within {listed(within)}."


def _farness(at: tuple[Evidence, Treatment]) -> tuple[bool, float]:
    """How far an interval is from one that lies on the better side of 0, in its own widths."""
    found = at[1]
    return found.looks_worse, _gap(found) / (found.high - found.low or 1)


def _gap(found: Treatment) -> float:
    """How far the interval reaches beyond 0."""
    return min(abs(found.low), abs(found.high))
