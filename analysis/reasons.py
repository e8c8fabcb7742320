"""Reasons: why a row of the decision table fired, with its numbers."""

from collections.abc import Callable, Sequence

from .case import CERTAIN_ENOUGH, FUTILE_BELOW, Evidence, Guardrail, Treatment
from .phrases import (
    amount,
    amount_of,
    change,
    days_run,
    effect,
    elsewhere,
    listed,
    more_days,
    number,
    percent,
    span,
    sure_harm,
    titles,
)
from .results import Teams

CLOSE_CALL = 0.8
"""Below this chance to be best, the winner's reason says that another variant is close."""

Say = Callable[[Evidence], str]


def doubts(e: Evidence, treatment: Treatment) -> tuple[str, ...]:
    """What still speaks against shipping a treatment that has passed the boundary."""
    found = []
    if e.ad_hoc:
        found.append("this is an unplanned look, and winners are named at planned ones only")
    if not e.ran_long_enough:
        found.append(f"it has run {days_run(e)} of at least {e.minimum_days} days")
    if treatment.teams is not None and treatment.has_few_teams:
        found.append(_say_few(treatment.teams))
    if worse := treatment.guardrails_in("worse"):
        found.append(f"it looks worse on the guardrail {titles(worse)}")
    if still_open := treatment.guardrails_in("open"):
        found.append(_say_open(still_open))
    if unknown := treatment.guardrails_in("unknown"):
        found.append(f"there is no estimate of the guardrail {titles(unknown)}")
    if treatment.missing:
        found.append(f"there is no estimate of {listed(treatment.missing)}, which it may not harm")
    seen, best = e.lead(treatment)
    if best.p_better < CERTAIN_ENOUGH:
        found.append(f"its chance to be better is only {percent(best.p_better)}")
    if best.expected_loss > seen.threshold:
        loss, threshold = amount(seen, best.expected_loss), amount(seen, seen.threshold)
        found.append(f"the loss to expect from it ({loss}) is above the {threshold} of no concern")
    return tuple(found)


def _say_open(guardrails: Sequence[Guardrail]) -> str:
    parts = [
        f"{each.title} (a loss of up to {amount_of(each, each.worst or 0.0)} is possible,"
        f" {amount_of(each, each.margin or 0.0)} is acceptable)"
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
    if treatment.harms_a_primary:
        found = [
            effect(seen, on) if on.loses else sure_harm(seen, on)
            for seen, on in e.on_each(treatment)
            if on.loses or on.harmed
        ]
        won = [seen.metric for seen, on in e.on_each(treatment) if on.wins]
        despite = f", whatever it does for {listed(won)}" if won else ""
        parts.append(f"{listed(found)}: worse than {e.name(e.control)}, and not by chance{despite}")
    if harmed := treatment.guardrails_in("harmed"):
        subject = "it" if parts else e.name(treatment.variant)
        parts.append(
            f"{subject} harms {titles(harmed)} beyond the margin, whatever it does for {e.metric}"
        )
    return ", and ".join(parts) + "."


def take_out(e: Evidence) -> str:
    """Which treatments should not go on, although the decision is about the others."""
    names = listed([e.name(t.variant) for t in e.out])
    return f"Whatever else, take {names} out: {harm(e)}"


def winner(e: Evidence) -> str:
    """Why the best one ships."""
    best, *others = e.chosen
    seen, on = e.lead(best)
    parts = [f"{effect(seen, on)}, chance to be better {percent(on.p_better)}"]
    parts += elsewhere(e, best)
    parts += _won_by_others(e, best)
    if spared := best.guardrails_in("non-inferior"):
        parts.append(f"it spares {titles(spared)}")
    if others and on.p_best < CLOSE_CALL:
        parts.append(f"{listed([e.name(t.variant) for t in others])} is close behind")
    if best.secondaries_worse:
        parts.append(f"mind that {listed(best.secondaries_worse)} fell behind")
    return "; ".join(parts) + "."


def _won_by_others(e: Evidence, best: Treatment) -> list[str]:
    """What other winners win on, where the one to ship does not."""
    won = {seen.metric for seen, on in e.on_each(best) if on.wins}
    return [
        f"{e.name(other.variant)} wins on {seen.metric} instead (interval {span(seen, on)})"
        for other in e.winners
        for seen, on in e.on_each(other)
        if on.wins and seen.metric not in won
    ]


def tie(e: Evidence) -> str:
    """Why any of several winners may ship."""
    names = listed([e.name(t.variant) for t in e.tied])
    costs = [
        f"at most {amount(seen, max(on.regret for on in found))} to expect, less than the"
        f" {amount(seen, seen.threshold)} of no concern"
        for seen, found in e.by_primary(e.tied)
    ]
    return f"Tie: {names}. Taking any of them costs {listed(costs)}. {winner(e)}"


def held_back(e: Evidence) -> str:
    """Why the likeliest winner does not ship."""
    best = e.winners[0]
    return f"{effect(*e.lead(best))}, but {listed(doubts(e, best))}."


def belief_ahead(e: Evidence) -> str:
    """Why belief and test differ where the test has not passed its boundary."""
    seen, best = e.believed_alone[0]
    return (
        f"The evidence disagrees: {effect(seen, best)}, so the last look's boundary is not passed,"
        f" yet with what was known before the chance to be better is {percent(best.p_better)}."
    )


def is_belief_ahead(e: Evidence) -> bool:
    """Whether belief alone would ship a treatment at the last look."""
    return e.final and e.ran_long_enough and bool(e.believed_alone)


def no_estimate_yet(e: Evidence) -> str:
    """Why there is no number so far."""
    return f"There is no estimate of {e.metric} yet: {e.not_estimable}.{_without_primary(e)}"


def no_estimate(e: Evidence) -> str:
    """Why there is no number."""
    return f"There is no estimate of {e.metric}: {e.not_estimable}.{_without_primary(e)}"


def _without_primary(e: Evidence) -> str:
    """What co-primaries show of treatments that have no estimate on the primary."""
    known = [effect(seen, on) for t in e.waiting for seen, on in e.on_each(t)]
    return f" Beside it, {listed(known)}." if known else ""


def negligible(e: Evidence) -> str:
    """How far any difference may go."""
    return " ".join(_negligible_on(seen, found) for seen, found in e.by_primary(e.remaining))


def _negligible_on(e: Evidence, found: Sequence[Treatment]) -> str:
    most = listed([f"{change(e, t)} (at most {amount(e, t.farthest)} either way)" for t in found])
    return (
        f"Whatever difference there is on {e.metric}, it is smaller than the"
        f" {amount(e, e.minimum_effect)} that matter: {most}."
    )


def inconclusive(e: Evidence) -> str:
    """What the data still allow."""
    over = "" if e.days_running is None else "The last planned look is over, and "
    undecided = [t for t in e.remaining if not t.is_negligible]
    if undecided:
        text = over + _undecided(e, max(undecided, key=lambda t: t.p_best))
    elif e.waiting:
        names = listed([e.name(t.variant) for t in e.waiting])
        text = f"{over}there is no estimate of what {names} does: {e.waiting[0].unseen}."
    else:
        text = (
            f"{over}no difference is as large as {_what_matters(e)}, but it has run"
            f" {days_run(e)} of at least {e.minimum_days} days."
        )
    return text if over else text[0].upper() + text[1:]


def _undecided(e: Evidence, leading: Treatment) -> str:
    """What the data still allow of one treatment."""
    wide = [at for at in e.on_each(leading) if not at[1].negligible]
    if not wide:
        missing, name = listed(leading.missing), e.name(leading.variant)
        return f"there is no estimate of what {name} does for {missing}."
    seen, on = wide[0]
    if on.looks_worse:
        return (
            f"{effect(seen, on)}: that is no gain, and what calls it harm, the bound that holds at"
            " any look, is not passed."
        )
    return (
        f"the data allow both a difference that matters"
        f" ({amount(seen, seen.minimum_effect)}) and none: {effect(seen, on)}."
    )


def _what_matters(e: Evidence) -> str:
    """The minimum effect of the primary, and of each co-primary."""
    at_each = e.by_primary(e.remaining)
    if len(at_each) == 1:
        return amount(e, e.minimum_effect)
    each = [f"{amount(seen, seen.minimum_effect)} on {seen.metric}" for seen, _ in at_each]
    return " or ".join(each)


def running(e: Evidence) -> str:
    """How far the experiment is."""
    leading = max(e.remaining, key=lambda t: t.p_best)
    when = f", about {more_days(e)} at the present pace" if e.days_left else ""
    share = "100 %" if e.information >= 1 else percent(e.information)
    also = "".join(f"; {each}" for each in elsewhere(e, leading))
    return (
        f"{effect(e, leading)}{also}: no boundary is passed with {share} of the"
        f" planned information{when}."
    )


def futile(e: Evidence) -> str:
    """How far it is, and that a winner is unlikely."""
    several = sum(len(t.on_each) for t in e.remaining) > 1
    chance = percent(e.chance_of_a_winner or 0.0)
    most = "at most " if several and not chance.startswith("under") else ""
    return (
        f"{running(e)} The chance that a winner is still found is {most}{chance}, below"
        f" {percent(FUTILE_BELOW)}: stopping now would be reasonable. Going on is not wrong: it"
        " can still show that the difference is too small to matter."
    )
