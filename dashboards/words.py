"""Every sentence that the pages say, in one place: results with their uncertainty, empty states."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from analysis.results import (
    CheckResult,
    ComponentSplit,
    Estimate,
    MetricResult,
    Readout,
    Sequential,
    Verdict,
)
from dashboards import formats


@dataclass(frozen=True)
class VerdictWords:
    """How a verdict is shown: never by colour alone."""

    meaning: str
    tone: str  # good | bad | calm | wait | stop
    icon: str  # a row of templates/components/icons.html


VERDICTS: Final = {
    Verdict.SHIP: VerdictWords("The evidence is in: give it to everybody.", "good", "check"),
    Verdict.KEEP_RUNNING: VerdictWords("Too early to tell: leave it running.", "wait", "clock"),
    Verdict.ROLL_BACK: VerdictWords("It does harm: return everybody to control.", "bad", "back"),
    Verdict.NO_MEANINGFUL_DIFFERENCE: VerdictWords(
        "It makes no difference that would matter: choose the cheaper one.", "calm", "equal"
    ),
    Verdict.INCONCLUSIVE: VerdictWords(
        "The experiment is over and cannot tell: more units or a larger change would.",
        "calm",
        "question",
    ),
    Verdict.REVIEW: VerdictWords(
        "The evidence points two ways: people weigh it and decide.", "wait", "scales"
    ),
    Verdict.DO_NOT_USE: VerdictWords(
        "The numbers cannot be trusted: mend the cause before reading them.", "stop", "stop"
    ),
}

DOMAINS: Final = {
    "incentive": "Incentive",
    "challenge_format": "Challenge format",
    "sequencing": "Content sequencing",
    "messaging": "Messaging",
    "other": "Other",
}
STATES: Final = {
    "running": "Running",
    "paused": "Paused",
    "draft": "Draft",
    "stopped": "Stopped",
    "archived": "Archived",
}
METRIC_ROLES: Final = {
    "primary": "Primary: the decision is about this",
    "co_primary": "Co-primary: winning on this is enough as well, harming it is not allowed",
    "secondary": "Secondary",
    "guardrail": "Guardrail: must not get worse",
}
COMPONENTS: Final = {
    "retention": "Retention",
    "activity": "Activity",
    "incentive": "Incentive response",
    "community": "Community",
}
MEASURES: Final = {"quantile": "quantile", "ratio": "ratio"}
"""What a method compares, where it is no mean."""

UNTRUSTED: Final = "These numbers cannot be trusted. They are here to help find the cause."
NOTICES: Final = {
    "started": "The experiment is running. SDKs receive it with their next poll.",
    "stopped": "The experiment is stopped. The page says what applies from now on.",
    "paused": "The experiment is paused. Everybody gets the control until you resume it.",
    "resumed": "The experiment goes on, with the same units in the same variants.",
    "archived": "The experiment is archived.",
    "flag-on": "The flag is on. SDKs receive it with their next poll.",
    "flag-off": "The flag is off and gives its default value.",
    "flag-stale": "Somebody changed this flag meanwhile. Here it is as it stands; switch it again.",
    "experiment-stale": "Somebody changed this experiment meanwhile. Here it is as it stands.",
    "replayed": "They went through again. What is understood now is taken; the rest still waits.",
    "discarded": "They are set aside, with your reason.",
    "metric-made": "The metric is there. Name it in an experiment.",
    "metric-changed": "A new version is stored. Experiments that run keep theirs.",
    "score-calibrated": "The score has a new version. Experiments that start from now on use it.",
    "score-validated": "The version was tried on what came after it.",
    "source-validated": "The tables were looked at. Here is what was found.",
    "signed-out": "You are signed out.",
}
WRONG_SIGN_IN: Final = "This e-mail and password do not fit together. Check both and try again."


def effect_sentence(metric: MetricResult, estimate: Estimate, titles: Mapping[str, str]) -> str:
    """What one treatment did to one metric, with its interval, in one sentence."""
    decimals = formats.decimals_for(estimate.low, estimate.high)
    unit = f" {metric.unit_label}" if metric.unit_label else ""
    treatment = _quoted(titles.get(estimate.variant, estimate.variant))
    control = _quoted(titles.get(estimate.control, estimate.control))
    span = f"interval {formats.interval(estimate.low, estimate.high, decimals)}"
    if estimate.low <= 0 <= estimate.high:
        return (
            f"No clear difference between {treatment} and {control}: "
            f"{formats.signed(estimate.effect, decimals)}{unit} ({span})."
        )
    verb = "raised" if estimate.effect > 0 else "lowered"
    size = formats.measure(abs(estimate.effect), decimals)
    return f"{treatment} {verb} it by {size}{unit} against {control} ({span})."


def after_sentence(rule: str, variant: str) -> str:
    """What applies once an experiment is stopped."""
    return {
        "keep": "Units keep their variants, and nobody new is exposed.",
        "ship": f"Everybody gets {_quoted(variant)}.",
    }.get(rule, "Everybody gets the control.")


def relative_sentence(estimate: Estimate) -> str:
    """The effect as a share of the control's, with its interval; empty when unbounded."""
    relative = estimate.relative
    if relative.estimate is None:
        return ""
    base = MEASURES.get(estimate.method, "mean")
    low, high = relative.low, relative.high
    if low is None or high is None:
        size = formats.signed_percent(relative.estimate, 0)
        return f"That is {size} of the control's {base}; too uncertain for an interval."
    decimals = min(3, formats.decimals_for(100 * low, 100 * high))
    size, *ends = (
        formats.signed_percent(share, decimals) for share in (relative.estimate, low, high)
    )
    return f"That is {size} of the control's {base} ({' to '.join(ends)})."


def posterior_sentence(metric: MetricResult, estimate: Estimate, titles: Mapping[str, str]) -> str:
    """What to believe about one treatment: chance to be better, and what a mistake would cost."""
    posterior = estimate.posterior
    treatment = _quoted(titles.get(estimate.variant, estimate.variant))
    unit = f" {metric.unit_label}" if metric.unit_label else ""
    text = f"The chance that {treatment} is better is {formats.percent(posterior.p_better)}"
    if posterior.p_meaningful is not None and metric.minimum_effect:
        least = f"{formats.number(metric.minimum_effect)}{unit}"
        text += f"; better by at least {least}, {formats.percent(posterior.p_meaningful)}"
    loss = formats.number(posterior.expected_loss, 2)
    money = ""
    if estimate.loss_in_money is not None:
        worth = formats.number(estimate.loss_in_money, 2)
        money = f", worth {worth} {metric.currency}".rstrip() + " a learner"
    return (
        f"{text}. Weighing how likely it is to be worse, and by how much, "
        f"shipping it risks {loss}{unit}{money}."
    )


GUARDRAILS: Final = {
    "non-inferior": "Spared: a loss of the margin is excluded.",
    "not worse": "Nothing speaks for a loss.",
    "open": "Not shown yet: a loss of the margin is still possible.",
    "worse": "It looks worse than it may be.",
    "harmed": "Harmed, beyond the margin.",
}
CORRECTIONS: Final = {
    "none": "",
    "bonferroni": "The intervals allow for several treatments (Bonferroni).",
    "holm": "Each interval leaves zero exactly when its difference is found, allowing for all "
    "treatments, the primary and its co-primaries together (Holm).",
    "dunnett": "The intervals hold together for all treatments (Dunnett).",
    "benjamini_hochberg": "For exploring: the intervals allow for how many of the secondary "
    "differences were found (Benjamini-Hochberg).",
}


def guardrail_sentence(metric: MetricResult, estimate: Estimate) -> str:
    """Whether a treatment spares a guardrail, and by which margin; empty for other metrics."""
    said = GUARDRAILS.get(estimate.guardrail, "")
    if not said or metric.margin is None:
        return said
    unit = f" {metric.unit_label}" if metric.unit_label else ""
    return f"{said} The margin is {formats.number(metric.margin)}{unit}."


def planning_sentence(metric: MetricResult, estimate: Estimate, titles: Mapping[str, str]) -> str:
    """What to count on after the stop, beside what was measured; empty while it runs."""
    planning = estimate.planning
    if planning is None:
        return ""
    unit = f" {metric.unit_label}" if metric.unit_label else ""
    decimals = formats.decimals_for(planning.low, planning.high)
    span = formats.interval(planning.low, planning.high, decimals)
    text = (
        f"To plan with {_quoted(titles.get(estimate.variant, estimate.variant))}, count on "
        f"{formats.signed(planning.mean, decimals)}{unit} ({span}) rather than the "
        f"{formats.signed(estimate.effect, decimals)} measured: what is measured when an "
        "experiment stops is, on average, a little lucky."
    )
    if planning.adjusted is None:
        return text
    adjusted = formats.signed(planning.adjusted, decimals)
    return f"{text} Allowing for the looks alone, without earlier experience: {adjusted}."


def teams_sentence(estimate: Estimate) -> str:
    """What it means that whole teams were randomised; empty where learners were."""
    teams = estimate.teams
    if teams is None:
        return ""
    parts = []
    if teams.icc is not None and teams.icc_low is not None and teams.icc_high is not None:
        low, high = (formats.number(max(0.0, end), 2) for end in (teams.icc_low, teams.icc_high))
        learners = formats.count(estimate.n_learners + estimate.n_learners_control)
        worth = formats.count(round(teams.n_effective or 0))
        parts.append(
            f"Teams were randomised: {formats.number(max(0.0, teams.icc), 2)} of the variance lies "
            f"between them (ICC, {low} to {high}), so these {learners} learners tell as much as "
            f"{worth} drawn one by one (design effect {formats.number(teams.design_effect)})."
        )
    if teams.draw_p_value is not None:
        span = formats.interval(teams.draw_low, teams.draw_high, 2)
        unbounded = None in (teams.draw_low, teams.draw_high)
        open_ended = ", open where these draws cannot exclude anything" if unbounded else ""
        share = formats.percent(teams.draw_p_value, 1)
        parts.append(
            f"With so few teams, count on the draw alone: of {formats.count(teams.n_draws)} ways "
            f"to draw the teams, {share} give a difference as large (interval {span}{open_ended})."
        )
    return " ".join(parts)


def best_sentence(metric: MetricResult, titles: Mapping[str, str]) -> str:
    """Which variant is most likely the best; empty with fewer than three variants."""
    if len(metric.p_best) < 3:
        return ""
    ranked = sorted(metric.p_best.items(), key=lambda item: -item[1])
    parts = [f"{_quoted(titles.get(key, key))} {formats.percent(p)}" for key, p in ranked]
    return f"Chance to be the best of all: {formats.joined(parts)}."


def sentence(text: str) -> str:
    """The text as a sentence: a capital first, a full stop last."""
    text = text.strip()
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    return f"{ended[:1].upper()}{ended[1:]}" if text else ""


def look_title(readout: Readout) -> str:
    """Which reading this is: "look 2 of 4", or one between the planned looks."""
    if not readout.look:
        return "read between the looks"
    return f"look {readout.look} of {readout.looks_planned}"


def look_sentence(sequential: Sequential) -> str:
    """What this look was allowed to conclude, and why the bar stands where it stands."""
    distance = formats.signed(sequential.z, 2)
    bar = formats.measure(sequential.boundary_z, 2)
    verdict = "passes" if sequential.crossed else "does not pass"
    return (
        f"Look {sequential.look} of {sequential.looks_planned}: the primary lies {distance} "
        f"standard errors from zero and {verdict} the bar of {bar}. Early looks have a higher bar, "
        "so that looking often does not produce winners by chance."
    )


def co_primaries_sentence(readout: Readout) -> str:
    """How the co-primaries stand against the bars of this look; empty where there are none."""
    looks = readout.sequential.co_primaries if readout.sequential else ()
    titles = {metric.key: metric.title for metric in readout.metrics}
    parts = [
        f"{titles.get(look.metric, look.metric)} lies {formats.signed(look.z, 2)} from zero and "
        f"{'passes' if look.crossed else 'does not pass'} its bar of "
        f"{formats.measure(look.boundary_z, 2)}"
        for look in looks
    ]
    if not parts:
        return ""
    also = "a co-primary" if len(parts) == 1 else "co-primaries"
    return f"Beside it, {also}: {formats.joined(parts)}. Winning on one of them is enough."


def role_name(role: str) -> str:
    """A metric's role in a table."""
    return role.replace("_", "-")


def pace_sentence(sequential: Sequential) -> str:
    """How far the experiment is, and how long it still needs."""
    share = formats.percent(min(1.0, sequential.information_fraction))
    text = f"{share} of the planned information is in"
    if not sequential.days_left:
        return f"{text}."
    days = formats.counted(max(1, round(sequential.days_left)), "more day")
    return f"{text}; at the present pace it takes about {days}{_days_range(sequential)}."


def _days_range(sequential: Sequential) -> str:
    """The interval of the days that are left, where one is known and says more than the days."""
    if sequential.days_left_low is None:
        return ""
    low = max(1, round(sequential.days_left_low))
    if sequential.days_left_high is None:
        return f" ({low} or far more)"
    high = max(1, round(sequential.days_left_high))
    return "" if low == high else f" ({low} to {high})"


def maturity_sentence(readout: Readout, window_days: int | None) -> str:
    """How many units count, and how many are still on their way."""
    exposed, mature = sum(readout.n_exposed.values()), sum(readout.n_mature.values())
    unit = formats.counted(exposed, readout.unit_kind)
    window = f"{window_days}-day window" if window_days else "outcome window"
    if mature >= exposed:
        return f"All {unit} have completed their {window}."
    return (
        f"{formats.count(mature)} of {unit} have completed their {window} and count here; "
        "the others are still maturing."
    )


def checks_sentence(checks: tuple[CheckResult, ...]) -> str:
    """The health of the experiment in one sentence."""
    failed = [check.title for check in checks if not check.passed]
    if not checks:
        return "No check could run yet."
    if not failed:
        return f"All {formats.counted(len(checks), 'check')} passed."
    verb = "needs" if len(failed) == 1 else "need"
    return f"{formats.joined(failed)} {verb} attention."


def split_sentence(split: ComponentSplit, titles: Mapping[str, str]) -> str:
    """What the score's effect is made of, and what stays without the incentive component."""
    largest = max(split.components, key=lambda part: abs(part.effect))
    name = COMPONENTS.get(largest.component, largest.component)
    total = sum(part.effect for part in split.components)
    text = (
        f"{_quoted(titles.get(split.variant, split.variant))} moved the score by "
        f"{formats.signed(total)} points, most of all through {name.lower()} "
        f"({formats.signed(largest.effect)})."
    )
    without, se = split.effect_without_incentive, split.se_without_incentive
    if without is None or se is None:
        return text
    span = formats.interval(without - 1.96 * se, without + 1.96 * se)
    return f"{text} Without the incentive component: {formats.signed(without)} points ({span})."


def _quoted(title: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{title}\N{RIGHT DOUBLE QUOTATION MARK}"
