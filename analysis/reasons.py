"""Reasons: why a row of the decision table fired, and what would change it, with its numbers."""

from collections.abc import Callable, Sequence
from math import ceil

from .case import CERTAIN_ENOUGH, FUTILE_BELOW, Evidence, Guardrail, Treatment
from .results import Teams
from .teams import FEW_TEAMS

CLOSE_CALL = 0.8
"""Below this chance to be best, the winner's reason says that another variant is close."""

Say = Callable[[Evidence], str]


def doubts(e: Evidence, treatment: Treatment) -> tuple[str, ...]:
    """What still speaks against shipping a treatment that has passed the boundary."""
    found = []
    if e.ad_hoc:
        found.append("this is an unplanned look, and winners are named at planned ones only")
    if not e.ran_long_enough:
        found.append(f"it has run {_days_run(e)} of at least {e.minimum_days} days")
    if treatment.teams is not None and treatment.has_few_teams:
        found.append(_say_few(treatment.teams))
    if worse := treatment.guardrails_in("worse"):
        found.append(f"it looks worse on the guardrail {_titles(worse)}")
    if still_open := treatment.guardrails_in("open"):
        found.append(_say_open(still_open))
    if unknown := treatment.guardrails_in("unknown"):
        found.append(f"there is no estimate of the guardrail {_titles(unknown)}")
    if treatment.p_better < CERTAIN_ENOUGH:
        found.append(f"its chance to be better is only {percent(treatment.p_better)}")
    if treatment.expected_loss > e.threshold:
        loss, threshold = _amount(e, treatment.expected_loss), _amount(e, e.threshold)
        found.append(f"the loss to expect from it ({loss}) is above the {threshold} of no concern")
    return tuple(found)


def _say_open(guardrails: Sequence[Guardrail]) -> str:
    parts = [
        f"{each.title} (a loss of up to {_of(each, each.worst or 0.0)} is possible,"
        f" {_of(each, each.margin or 0.0)} is acceptable)"
        for each in guardrails
    ]
    return f"it is not shown yet that it spares the guardrail {listed(parts)}"


def _say_few(teams: Teams) -> str:
    fewest = f"{teams.n_fewest} teams in a variant are too few to see how much teams differ"
    if teams.draw_p_value is None:
        return fewest
    return f"{fewest} (by the draw of the teams alone, p = {number(teams.draw_p_value)})"


# --- why


def broken(e: Evidence) -> str:
    """Which checks failed."""
    return " ".join(check.sentence for check in e.broken)


def harm(e: Evidence) -> str:
    """What the harmful treatments harm."""
    return " ".join(harm_of(e, t) for t in e.out)


def harm_of(e: Evidence, treatment: Treatment) -> str:
    """What one treatment harms."""
    parts = []
    if treatment.loses or treatment.harmed:
        found = effect(e, treatment) if treatment.loses else _sure_harm(e, treatment)
        parts.append(f"{found}: worse than {e.name(e.control)}, and not by chance")
    if harmed := treatment.guardrails_in("harmed"):
        subject = "it" if parts else e.name(treatment.variant)
        parts.append(
            f"{subject} harms {_titles(harmed)} beyond the margin, whatever it does for {e.metric}"
        )
    return ", and ".join(parts) + "."


def take_out(e: Evidence) -> str:
    """Which treatments should not go on, although the decision is about the others."""
    names = listed([e.name(t.variant) for t in e.out])
    return f"Whatever else, take {names} out: {harm(e)}"


def winner(e: Evidence) -> str:
    """Why the best one ships."""
    best, *others = e.chosen
    parts = [f"{effect(e, best)}, chance to be better {percent(best.p_better)}"]
    if spared := best.guardrails_in("non-inferior"):
        parts.append(f"it spares {_titles(spared)}")
    if others and best.p_best < CLOSE_CALL:
        parts.append(f"{listed([e.name(t.variant) for t in others])} is close behind")
    if best.secondaries_worse:
        parts.append(f"mind that {listed(best.secondaries_worse)} fell behind")
    return "; ".join(parts) + "."


def tie(e: Evidence) -> str:
    """Why any of several winners may ship."""
    names = listed([e.name(t.variant) for t in e.tied])
    most = max(t.regret for t in e.tied)
    return (
        f"Tie: {names}. Taking any of them costs at most {_amount(e, most)} to expect, less than"
        f" the {_amount(e, e.threshold)} of no concern. {winner(e)}"
    )


def held_back(e: Evidence) -> str:
    """Why the likeliest winner does not ship."""
    best = e.winners[0]
    return f"{effect(e, best)}, but {listed(doubts(e, best))}."


def belief_ahead(e: Evidence) -> str:
    """Why belief and test differ where the test has not passed its boundary."""
    best = max(_believed(e), key=lambda t: t.p_best)
    return (
        f"The evidence disagrees: {effect(e, best)}, so the last look's boundary is not passed,"
        f" yet with what was known before the chance to be better is {percent(best.p_better)}."
    )


def _believed(e: Evidence) -> list[Treatment]:
    return [t for t in e.remaining if not t.wins and e.believed(t)]


def is_belief_ahead(e: Evidence) -> bool:
    """Whether belief alone would ship a treatment at the last look."""
    return e.final and e.ran_long_enough and bool(_believed(e))


def no_estimate_yet(e: Evidence) -> str:
    """Why there is no number so far."""
    return f"There is no estimate yet: {e.not_estimable}."


def no_estimate(e: Evidence) -> str:
    """Why there is no number."""
    return f"There is no estimate: {e.not_estimable}."


def negligible(e: Evidence) -> str:
    """How far any difference may go."""
    found = listed(
        [f"{_change(e, t)} (at most {_amount(e, t.farthest)} either way)" for t in e.remaining]
    )
    return (
        f"Whatever difference there is on {e.metric}, it is smaller than the"
        f" {_amount(e, e.minimum_effect)} that matter: {found}."
    )


def inconclusive(e: Evidence) -> str:
    """What the data still allow."""
    over = "" if e.days_running is None else "The last planned look is over, and "
    undecided = [t for t in e.remaining if not t.negligible]
    if not undecided and e.waiting:
        return f"{over}there is no estimate of {listed(e.waiting)}: {e.not_estimable}."
    if not undecided:
        text = f"no difference is as large as {_amount(e, e.minimum_effect)}, but it has run"
        return f"{over}{text} {_days_run(e)} of at least {e.minimum_days} days."
    leading = max(undecided, key=lambda t: t.p_best)
    text = (
        f"{over}the data allow both a difference that matters"
        f" ({_amount(e, e.minimum_effect)}) and none: {effect(e, leading)}."
    )
    return text[0].upper() + text[1:]


def running(e: Evidence) -> str:
    """How far the experiment is."""
    leading = max(e.remaining, key=lambda t: t.p_best)
    when = f", about {_more_days(e)} at the present pace" if e.days_left else ""
    share = "100 %" if e.information >= 1 else percent(e.information)
    return (
        f"{effect(e, leading)}: no boundary is passed with {share} of the"
        f" planned information{when}."
    )


def futile(e: Evidence) -> str:
    """How far it is, and that a winner is unlikely."""
    best = max(t.predictive_power or 0.0 for t in e.remaining)
    return (
        f"{running(e)} The chance that a winner is still found is {percent(best)}, below"
        f" {percent(FUTILE_BELOW)}: stopping now would be reasonable. Going on is not wrong: it"
        " can still show that the difference is too small to matter."
    )


# --- what would change it


def mend(e: Evidence) -> str:
    """For a broken experiment."""
    names = listed([check.title for check in e.broken])
    return f"Mend what {names} names, then start a new phase."


def redesign(e: Evidence) -> str:
    """For harm."""
    if all(t.loses or t.harmed for t in e.out):
        return "A redesigned variant, in a new experiment."
    return "Nothing at this margin: the bound holds at any moment of looking."


def undo_winner(e: Evidence) -> str:
    """For a winner."""
    best = e.chosen[0]
    near = min(abs(best.low), abs(best.high))
    text = f"The interval stays {_amount(e, near)} clear of 0; what would undo it is"
    return f"{text} a guardrail that turns out harmed, or a trust check that fails."


def ripen(e: Evidence) -> str:
    """For a winner that is too early."""
    if e.ran_long_enough:
        return "The next planned look, if the result still stands."
    left = ceil(e.minimum_days - (e.days_running or 0))
    return f"{_days(left)} more, and then the next planned look, if the result still stands."


def show_guardrails(e: Evidence) -> str:
    """For a winner whose guardrails are not shown."""
    found = [
        f"{each.title}: about {number(each.times_the_units)} times as many units, if it is spared"
        for each in e.winners[0].guardrails_in("open")
        if each.times_the_units is not None and each.times_the_units > 1
    ]
    more = f" ({'; '.join(found)})" if found else ""
    names = _titles(e.winners[0].unshown)
    if e.final:
        return f"People who accept the loss that {names} still allows, or a new phase{more}."
    return f"A later look that shows {names} spared{more}."


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
    return (
        f"People weigh the two. They agree once the chance to be better reaches"
        f" {percent(CERTAIN_ENOUGH)}, the loss to expect is at most {_amount(e, e.threshold)} and"
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
    most = max(t.farthest for t in e.remaining)
    return (
        f"A minimum effect below {_amount(e, most)}, the largest difference that the data allow."
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
    gap = min(abs(leading.low), abs(leading.high))
    return (
        f"An interval that leaves 0 (that of {e.name(leading.variant)} reaches {_amount(e, gap)}"
        f" beyond it), or one that lies within ±{_amount(e, e.minimum_effect)}."
    )


# --- parts


def _days_run(e: Evidence) -> int:
    return int(e.days_running or 0)


def _more_days(e: Evidence) -> str:
    days = ceil(e.days_left or 0)
    return f"{days:,} more day{'s' if days > 1 else ''}"


def _days(count: int) -> str:
    return f"{count:,} day{'s' if count > 1 else ''}"


def _change(e: Evidence, treatment: Treatment) -> str:
    direction = "raises" if treatment.effect >= 0 else "lowers"
    size = _amount(e, abs(treatment.effect))
    return f"{e.name(treatment.variant)} {direction} {e.metric} by {size}"


def effect(e: Evidence, treatment: Treatment) -> str:
    """What a treatment did to the primary, with the look's interval."""
    low, high = sorted((treatment.low, treatment.high))
    return f"{_change(e, treatment)} (interval {number(low)} to {number(high)})"


def _sure_harm(e: Evidence, treatment: Treatment) -> str:
    """Harm by the always-valid bound, where the look's own, wider interval may hold 0."""
    return f"{_change(e, treatment)} (at least {_amount(e, treatment.surely)} at any look)"


def _amount(e: Evidence, value: float) -> str:
    return f"{number(value)} {e.unit_label}".rstrip()


def _of(guardrail: Guardrail, value: float) -> str:
    return f"{number(value)} {guardrail.unit_label}".rstrip()


def _titles(guardrails: Sequence[Guardrail]) -> str:
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
