"""Words: a table's analysis as text that reads well in a terminal or a notebook."""

from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from analysis.across.segments import Omnibus
from analysis.designed import FactorEffect, OnCompliers
from analysis.results import Estimate, MetricResult, NotEstimable, Sequential

from .answer import TableAnswer
from .compare import BySegmentResult

NARROW = 100
"""Below so many columns, means and lift are left out: effect and interval matter more."""


def summary(analysis: TableAnswer, width: int = 100, colour: bool = False) -> str:
    """The decision, every effect, the look, segments and checks, in so many columns.

    Args:
        analysis: what to say.
        width: of the text, in columns.
        colour: whether the verdict may be bold.
    """
    out = StringIO()
    console = Console(file=out, width=max(width, 40), force_terminal=colour, highlight=False)
    console.print(f"[bold]{analysis.decision.verdict}[/bold]")
    console.print(analysis.decision.reason, markup=False)
    console.print(f"What would change it: {analysis.decision.would_change}", markup=False)
    console.print(_effects(analysis, width))
    for line in _notes(analysis):
        console.print(line, markup=False)
    for segment in analysis.segments:
        _print_segment(console, analysis, segment)
    for check in analysis.checks:
        mark = "ok  " if check.passed else check.severity
        console.print(f"{mark}  {check.title}: {check.sentence}", markup=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _effects(analysis: TableAnswer, width: int) -> Table:
    wide = width >= NARROW
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="fold")
    for heading in ("n", "mean") if wide else ("n",):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("effect", _interval_heading(analysis)):
        table.add_column(heading, justify="right", no_wrap=True)
    if wide:
        table.add_column("lift", justify="right", no_wrap=True)
    adjusted = ("p adjusted",) if _is_corrected(analysis) else ()
    for heading in ("p", *adjusted, "P(better)"):
        table.add_column(heading, justify="right", no_wrap=True)
    for metric in analysis.metrics:
        found = [each for each in metric.estimates if isinstance(each, Estimate)]
        if found:
            table.add_row(f"[bold]{escape(_named(metric))}[/bold]")
            table.add_row(*_control(analysis, found[0], wide))
            for each in found:
                table.add_row(*_row(analysis, each, wide))
    return table


def _is_corrected(analysis: TableAnswer) -> bool:
    """Whether an adjusted p value says more than the one beside it."""
    return any(
        each.p_adjusted is not None and each.p_adjusted != each.p_value
        for each in analysis.estimates
    )


def _interval_heading(analysis: TableAnswer) -> str:
    if analysis.sequential is not None:
        return "interval"
    # Of one side each bound holds by itself, so both together hold less often.
    missed = analysis.alpha if analysis.sides == "two" else 2 * analysis.alpha
    return f"{100 * (1 - missed):g} % interval"


def _control(analysis: TableAnswer, each: Estimate, wide: bool) -> list[str]:
    cells = [escape(f"  {analysis.name(each.control)}"), f"{each.n_learners_control:,}"]
    return [*cells, f"{each.mean_control:.4g}"] if wide else cells


def _row(analysis: TableAnswer, each: Estimate, wide: bool) -> list[str]:
    cells = [escape(f"  {analysis.name(each.variant)}"), f"{each.n_learners:,}"]
    if wide:
        cells.append(f"{each.mean:.4g}")
    cells += [f"{each.effect:.4g}", f"{each.low:.4g} to {each.high:.4g}"]
    if wide:
        lift = each.relative.estimate
        cells.append("unbounded" if lift is None else f"{100 * lift:+.1f} %")
    cells.append(_p(each.p_value))
    if _is_corrected(analysis):
        cells.append("" if each.p_adjusted is None else _p(each.p_adjusted))
    return [*cells, f"{each.posterior.p_better:.3f}"]


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _named(metric: MetricResult) -> str:
    return metric.key if metric.title == metric.key else f"{metric.title} ({metric.key})"


def _notes(analysis: TableAnswer) -> list[str]:
    """What the table of effects cannot show."""
    lines = list(_corrections(analysis))
    if analysis.sequential is not None:
        lines.append(_look(analysis.sequential, analysis.sides))
    for metric in analysis.metrics:
        for each in metric.estimates:
            if isinstance(each, NotEstimable):
                lines.append(f"{_named(metric)}: {each.reason}; {each.remedy}.")
            elif each.guardrail:
                limit = "" if metric.margin is None else f" at a margin of {metric.margin:g}"
                lines.append(
                    f"{_named(metric)}, guardrail, {analysis.name(each.variant)}:"
                    f" {each.guardrail}{limit}."
                )
            elif each.variance_reduction >= 0.005:
                lines.append(
                    f"{_named(metric)}, {analysis.name(each.variant)}: covariates removed"
                    f" {100 * each.variance_reduction:.0f} % of the variance ({each.method})."
                )
    lines += _designed(analysis)
    for (key, variant), test in analysis.log_ranks.items():
        lines.append(
            f"{key}, {analysis.name(variant)}: log-rank chi-square {test.chi_square:.3f},"
            f" p = {test.p_value:.3g}; {test.observed} events where {test.expected:.1f} were"
            " expected."
        )
    for estimate in analysis.estimates:
        teams = estimate.teams
        if teams is not None and teams.icc is not None and teams.design_effect is not None:
            lines.append(
                f"{estimate.metric}, {analysis.name(estimate.variant)}: clusters are alike by"
                f" ICC {teams.icc:.3f}; design effect {teams.design_effect:.2f}."
            )
    return lines


def _designed(analysis: TableAnswer) -> Iterator[str]:
    """Caps, shares exactly, factors, and those who took a variant up."""
    for column, cap in analysis.caps.items():
        yield f"{column}: {cap.n:,} values above {cap.at:.4g} count as {cap.at:.4g} (--cap)."
    for (key, variant), belief in analysis.share_beliefs.items():
        yield (
            f"{key}, {analysis.name(variant)}: exactly (beta-binomial, flat prior)"
            f" {belief.mean:.4g}, 95 % {belief.low:.4g} to {belief.high:.4g},"
            f" P(better) {belief.p_better:.3f}, expected loss {belief.expected_loss:.2g}."
        )
    for effect in analysis.factor_effects:
        yield f"{effect.metric}, {_question(effect)}: {_found(effect)}."
    for each in analysis.on_compliers:
        taken = f"{100 * each.take_up:.0f} % against {100 * each.take_up_control:.0f} % took it up"
        yield (
            f"{each.metric}, {analysis.name(each.variant)}, on those alone who took it up because"
            f" it was offered ({taken}): {_found(each)}."
        )


def _question(effect: FactorEffect) -> str:
    if len(effect.factors) == 1:
        return f"factor {effect.factors[0]}, {effect.levels[0]} against {effect.references[0]}"
    first, second = effect.factors
    return (
        f"interaction, how much more {first} does at {second} {effect.levels[1]} than at"
        f" {effect.references[1]}"
    )


def _found(found: FactorEffect | OnCompliers) -> str:
    if found.effect is None:
        return found.why_not
    low = "unbounded" if found.low is None else f"{found.low:.4g}"
    high = "unbounded" if found.high is None else f"{found.high:.4g}"
    return f"{found.effect:.4g} ({low} to {high})"


CORRECTED: Final = {
    "dunnett": "interval and adjusted p count all variants together (Dunnett)",
    "bonferroni": "variants share alpha evenly (Bonferroni)",
    "holm": "all primaries and variants share alpha step by step (Holm)",
    "benjamini_hochberg": "for exploring: all secondaries together (Benjamini-Hochberg)",
}


def _corrections(analysis: TableAnswer) -> Iterator[str]:
    """What the intervals and adjusted p values allow for."""
    for correction, words in CORRECTED.items():
        found = [each for each in analysis.metrics if each.correction == correction]
        if found and (correction != "benjamini_hochberg" or _n_estimates(found) > 1):
            yield f"{', '.join(map(_named, found))}: {words}."
    if analysis.sides == "one":
        yield "One-sided: it was asked only whether a variant is better; p is two-sided."


def _n_estimates(metrics: Sequence[MetricResult]) -> int:
    return sum(isinstance(each, Estimate) for metric in metrics for each in metric.estimates)


def _look(found: Sequential, sides: str) -> str:
    chance = found.predictive_power
    share = f"{100 * found.information_fraction:.0f} %"
    ahead = "" if chance is None else f" Chance of a winner at the last look: {100 * chance:.0f} %."
    z = "|z|" if sides == "two" else "z"
    return (
        f"Look {found.look} of {found.looks_planned}, {share} of the"
        f" planned information: {z} must pass {found.boundary_z:.3f}, it is {found.z:.3f}."
        f" Alpha spent so far: {found.alpha_spent:.5f}.{ahead}"
    )


def _print_segment(console: Console, analysis: TableAnswer, found: BySegmentResult) -> None:
    omnibus = found.omnibus
    title = f"By {found.column}, {analysis.name(found.variant)}: "
    if not isinstance(omnibus, Omnibus) or found.p_adjusted is None:
        reason = "" if isinstance(omnibus, Omnibus) else f"{omnibus.reason}; {omnibus.remedy}."
        console.print(f"{title}{reason}", markup=False)
        return
    differs = (
        "the effect differs"
        if found.p_adjusted < analysis.alpha
        else "no sign that the effect differs"
    )
    console.print(
        f"{title}{differs} (F = {omnibus.f:.2f} on {omnibus.df:g} and {omnibus.df_residual:.0f},"
        f" p = {omnibus.p_value:.3g}, over all segments tested {found.p_adjusted:.3g})",
        markup=False,
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("segment", overflow="fold")
    for heading in ("n", "alone", "pooled", "95 % belief", "P(better)"):
        table.add_column(heading, justify="right")
    for each in found.effects:
        table.add_row(
            escape(each.level),
            f"{each.alone.n_learners:,} / {each.alone.n_learners_control:,}",
            f"{each.alone.effect:.3g} ± {each.alone.se:.2g}",
            f"{each.pooled.mean:.3g}",
            f"{each.pooled.low:.3g} to {each.pooled.high:.3g}",
            f"{each.pooled.p_better:.3f}",
        )
    console.print(table)
    for level, why in found.left_out.items():
        console.print(f"left out  {level}: {why}", markup=False)
