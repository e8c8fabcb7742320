"""calibrate: a company's own learners, split at random, read by the real methods."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
from scipy.special import ndtri

from analysis.contrast import Contrast
from analysis.history import NO_TEAM, Floats, Ints, Past
from analysis.methods import compare
from analysis.methods.always_valid import two_sided_z
from analysis.methods.group_sequential import boundaries
from analysis.results import NotEstimable
from analysis.sizing.past import Facts, facts_of, mean_of
from analysis.spending import spent_by
from analysis.statistics.clusters import ClusterSums
from analysis.statistics.collected import COVARIATE, DENOMINATOR, OUTCOME
from analysis.statistics.moments import Moments

from .rates import UNSURE, Rate, Tally
from .splits import Arms, Draw, Splitter, fair_draws

PLANTED: Final = 0.1
"""The known effect: so much more, as a share of each treated learner's outcome."""
ALIKE: Final = 1.2
"""A design effect from which it matters that learners of a team are alike."""
SPENDING: Final = "obrien_fleming"


@dataclass(frozen=True)
class Calibration:
    """What the methods did on one metric's past."""

    metric: str
    title: str
    facts: Facts
    dates: tuple[str, ...]  # ISO, of the pretended exposures
    alpha: float
    rates: tuple[Rate, ...]
    warnings: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether no rule that is used cries wolf more often than it promises."""
        return all(rate.judgement != "too often" for rate in self.rates)

    def to_json(self) -> dict[str, Any]:
        """The calibration as plain JSON values."""
        return {**asdict(self), "holds": self.holds}


@dataclass(frozen=True)
class Splits:
    """How the learners are split."""

    n: int = 1000
    seed: int = 1
    alpha: float = 0.05
    learners: Draw | None = None  # None: a fair coin
    teams: Draw | None = None


def calibrate(
    past: Past, splits: Splits | None = None, looks_wanted: int = 1
) -> Calibration | NotEstimable:
    """How often each rule finds an effect between halves that differ by nothing but chance.

    Args:
        past: a metric's outcomes, from ``analysis.history.pretend``; with several dates the rules
            for several looks are tried too.
        splits: how many, and by what draw.
        looks_wanted: more than there are dates is warned of.
    """
    splits = splits or Splits()
    facts = facts_of(past)
    if isinstance(facts, NotEstimable):
        return facts
    rates = list(_learner_rates(past, facts, splits))
    if facts.teams is not None:
        rates += _team_rates(past, facts, splits)
    return Calibration(
        metric=past.metric.key,
        title=past.metric.title,
        facts=facts,
        dates=tuple(date.isoformat() for date in past.dates),
        alpha=splits.alpha,
        rates=tuple(rates),
        warnings=tuple(_warnings(facts, rates, len(past.dates), looks_wanted)),
    )


# --- learners drawn one by one


def _learner_rates(past: Past, facts: Facts, splits: Splits) -> Iterator[Rate]:
    look = np.unique(past.date, return_inverse=True)[1]
    splitter = Splitter(past.columns, past.values, look)
    draw = splits.learners or fair_draws(len(past), splits.seed)
    planted = _planted(past, facts)
    plain = Tally.of("plain", "without a covariate", splits.alpha)
    used = Tally.of("used", "as in the readout", splits.alpha)
    looks = _Looks.of(np.bincount(look), splits.alpha)
    for arms in splitter.moments(draw, splits.n):
        if COVARIATE in past.columns:
            _read_once(plain, _without_covariate(arms[-1]), splits.alpha, planted)
        _read_once(used, arms[-1], splits.alpha, planted)
        looks.read(arms)
    yield from (tally.rate() for tally in (plain, used) if tally.calls or tally.refused)
    yield from looks.rates()


@dataclass(frozen=True)
class _Planted:
    """A known effect."""

    share: float
    truth: float  # in the metric's unit


def _planted(past: Past, facts: Facts) -> _Planted | None:
    """None for yes or no, which a tenth more would turn into neither."""
    return None if facts.yes_or_no else _Planted(PLANTED, PLANTED * mean_of(past))


def _read_once(tally: Tally, arms: Arms, alpha: float, planted: _Planted | None) -> None:
    found = compare(arms.control, arms.treatment)
    if isinstance(found, NotEstimable):
        tally.refused += 1
        return
    z = -float(ndtri(alpha / 2))
    low, high = found.bounds(z)
    tally.calls.append(not low <= 0 <= high)
    tally.p_values.append(found.p_value)
    truth = 0.0
    if planted is not None:
        moved = compare(arms.control, _more(arms.treatment, 1 + planted.share))
        if isinstance(moved, NotEstimable):
            return
        (low, high), truth = moved.bounds(z), planted.truth
    tally.covered.append(low <= truth <= high)


def _more(statistic: Moments | ClusterSums, factor: float) -> Moments | ClusterSums:
    """The statistic of units with so many times the outcome."""
    scale = np.array([factor if name == OUTCOME else 1.0 for name in statistic.columns])
    if isinstance(statistic, ClusterSums):
        return replace(statistic, sums=statistic.sums * scale)
    return statistic.linear(statistic.columns, np.diag(scale))


def _without_covariate(arms: Arms) -> Arms:
    def bare(statistic: Moments | ClusterSums) -> Moments | ClusterSums:
        keep = tuple(c for c in statistic.columns if c in (OUTCOME, DENOMINATOR))
        if isinstance(statistic, Moments):
            return statistic.only(keep)
        at = [statistic.columns.index(name) for name in keep]
        return ClusterSums(keep, statistic.n, statistic.sums[:, at])

    return Arms(bare(arms.control), bare(arms.treatment))


# --- several looks


@dataclass
class _Looks:
    """The rules for several looks, on learners who came at several dates."""

    planned: Floats  # boundary of each look
    any_look: Floats
    once: float
    tallies: tuple[Tally, Tally, Tally]

    @classmethod
    def of(cls, new: Ints, alpha: float) -> "_Looks":
        n = len(new)
        so_far = np.cumsum(new) / new.sum()
        spent = [spent_by(SPENDING, alpha, share) for share in so_far]
        return cls(
            np.array(boundaries(list(so_far), spent)),
            np.array([two_sided_z(share, alpha) for share in so_far]),
            -float(ndtri(alpha / 2)),
            (
                Tally.of("looks", f"{n} planned looks", alpha),
                Tally.of("any_look", f"{n} looks, any-look bound", alpha),
                Tally.of("every_look", f"{n} looks, each as if alone", None),
            ),
        )

    def read(self, arms: list[Arms]) -> None:
        """One split, look by look."""
        if len(arms) < 2:
            return
        found = [compare(each.control, each.treatment) for each in arms]
        if any(isinstance(each, NotEstimable) for each in found):
            for tally in self.tallies:
                tally.refused += 1
            return
        z = np.abs([each.z for each in found if isinstance(each, Contrast)])
        for tally, bar in zip(self.tallies, (self.planned, self.any_look, self.once), strict=True):
            tally.calls.append(bool((z > bar).any()))

    def rates(self) -> list[Rate]:
        """Of the rules that had something to judge."""
        return [tally.rate() for tally in self.tallies if tally.calls or tally.refused]


# --- whole teams drawn


def _team_rates(past: Past, facts: Facts, splits: Splits) -> list[Rate]:
    known = past.team != NO_TEAM
    numbers, unit = np.unique(past.team[known], return_inverse=True)
    splitter = Splitter(
        past.columns, past.values[known], np.zeros(int(known.sum()), dtype=np.int64), unit
    )
    draw = splits.teams or fair_draws(len(numbers), splits.seed)
    of_known = replace(past, values=past.values[known])
    planted = _planted(of_known, facts)
    used = Tally.of("teams", "teams, as in the readout", splits.alpha)
    ignored = Tally.of("teams_ignored", "teams taken for learners", None)
    for by_team in splitter.cluster_sums(draw, splits.n):
        _read_once(used, by_team[0], splits.alpha, planted)
    for by_learner in splitter.moments(draw, splits.n):
        _read_once(ignored, by_learner[0], splits.alpha, planted)
    return [used.rate(), ignored.rate()]


# --- what to say


def _warnings(facts: Facts, rates: list[Rate], n_dates: int, looks_wanted: int) -> Iterator[str]:
    by_rule = {rate.rule: rate for rate in rates}
    for rate in rates:
        if rate.judgement == "too often":
            yield (
                f'The rule "{rate.title}" finds an effect in {rate.false_positives:.1%} of splits'
                f" without one, {rate.promised:.0%} promised. Look for a few learners with enormous"
                " outcomes and cap the metric, or plan for more units."
            )
    used = by_rule["used"]
    if not facts.yes_or_no and used.uniform_p is not None and used.uniform_p < UNSURE:
        yield (
            "The p values of the splits are not spread evenly (Kolmogorov-Smirnov"
            f" p = {used.uniform_p:.1g}): a few learners decide the comparison. Cap the metric."
        )
    teams, ignored = facts.teams, by_rule.get("teams_ignored")
    if teams is not None and ignored is not None and teams.design_effect >= ALIKE:
        yield (
            f"Learners of the same team are alike (ICC {teams.icc:.3f}, teams of"
            f" {teams.size:.0f}): read as independent, they show an effect in"
            f" {ignored.false_positives:.0%} of experiments without one. When whole teams get a"
            " variant, make the team the unit."
        )
    if n_dates < looks_wanted:
        yield (
            f"History is long enough for {n_dates} of the {looks_wanted} dates; rules for several"
            " looks were tried with so many."
        )
