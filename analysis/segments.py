"""Segments: what was known of a learner at its first exposure, and statistics by it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import ibis
from ibis.expr import types as ir

from analysis import engagement
from analysis.energize.norms import Norms
from analysis.engines.functions import DAY_US, epoch_us
from analysis.lake.reader import Lake
from analysis.learners import attributes_at
from analysis.metrics import metric_kind
from analysis.metrics.kind import OUTCOME, PerLearner
from analysis.plan import AnalysisPlan
from analysis.statistics.gather import Key, fold
from analysis.statistics.moments import Moments
from analysis.statistics.strata import Strata
from analysis.tallies import before, without_events

SEGMENTS: Final = ("role", "region", "tenure", "prior_engagement")
STRATUM: Final = "stratum"
"""What a listed unit was assigned within; nothing to look at apart, so it is no segment."""

UNKNOWN: Final = "unknown"
TENURES: Final = ((90, "under 3 months"), (365, "under a year"))
LONGEST_TENURE: Final = "a year or more"
_ORDER: Final = (*(label for _, label in TENURES), LONGEST_TENURE, *engagement.BANDS)


def known_apart(strata: Sequence[str]) -> tuple[str, ...]:
    """The columns that learners are gathered by: the segments, and the list's strata if wanted."""
    return (*SEGMENTS, STRATUM) if STRATUM in strata else SEGMENTS


def refuse_unknown_strata(strata: Sequence[str]) -> None:
    """Refuse strata that are neither segments nor those of a list.

    Raises:
        ValueError: names the one that is not, and those there are.
    """
    for name in strata:
        if name not in (*SEGMENTS, STRATUM):
            expected = ", ".join((*SEGMENTS, STRATUM))
            raise ValueError(f"strata: found {name!r}, expected any of {expected}")


def with_segments(people: ir.Table, lake: Lake, as_of: datetime) -> ir.Table:
    """The learners with ``tenure`` and without gaps in role, region and stratum.

    All as of each learner's first exposure. Role and region: what the exposure itself said, which
    is the latest that was known then, and what targeting saw; else the latest description at or
    before it; else the earliest after it; else "unknown". Whatever is said later of somebody who
    was known changes nothing.

    Args:
        people: one row a learner, with ``role``, ``region`` and ``exposed_us``, and with
            ``stratum`` where learners may have been listed.
        lake: where learners are described.
        as_of: descriptions from then on are not read.
    """
    known = attributes_at(people, lake, as_of, ("role", "region", "started_on"))
    known = known.rename(described="learner", said_role="role", said_region="region")
    joined = people.left_join(known, people.learner == known.described)
    started_us = epoch_us(joined.started_on.cast("timestamp('UTC')"))
    days = (joined.exposed_us - started_us) / DAY_US
    bands = [(days < limit, label) for limit, label in TENURES]
    if STRATUM in people.columns:
        joined = joined.mutate(stratum=joined.stratum.nullif("").fill_null(UNKNOWN))
    return joined.mutate(
        role=ibis.coalesce(joined.role, joined.said_role, UNKNOWN),
        region=ibis.coalesce(joined.region, joined.said_region, UNKNOWN),
        tenure=ibis.cases((days.isnull(), UNKNOWN), *bands, else_=LONGEST_TENURE),
    ).drop("described", "said_role", "said_region", "started_on")


def with_engagement(plan: AnalysisPlan, people: ir.Table, norms: Norms | None) -> ir.Table:
    """The learners, with their tallies, and with ``prior_engagement``.

    By the score that they had before exposure, where the plan has one; else by their active days.
    """
    row, place = without_events(plan, people), engagement.scored_metric(plan)
    if place is None:
        return row.mutate(prior_engagement=engagement.band_of_days(plan, row))
    past = PerLearner(plan.metrics[place], row, before(place), norms)
    points = metric_kind("score").values(past)[OUTCOME]
    return row.mutate(prior_engagement=engagement.band_of_score(points))


def in_order(levels: Iterable[str]) -> list[str]:
    """A segment's levels: by what they mean where that has an order, else by name."""
    places = {label: place for place, label in enumerate(_ORDER)}
    return sorted(levels, key=lambda level: (places.get(level, len(places)), level))


def by_segment(cells: Mapping[Key, Any], at: int) -> dict[str, dict[str, Any]]:
    """Level -> variant -> statistic, from cells keyed (variant, then one level per segment)."""
    return by_level(fold(cells, (0, at + 1)))


def by_level(cells: Mapping[Key, Any]) -> dict[str, dict[str, Any]]:
    """Level -> variant -> statistic, from cells keyed (variant, level); levels in order."""
    levels = in_order({level for _, level in cells})
    found: dict[str, dict[str, Any]] = {level: {} for level in levels}
    for (variant, level), statistic in cells.items():
        found[level][variant] = statistic
    return found


def by_stratum(
    cells: Mapping[Key, Moments], variant: str, strata: Sequence[str], columns: tuple[str, ...]
) -> Strata:
    """A variant's moments, kept apart by the plan's strata."""
    keep = [known_apart(strata).index(name) + 1 for name in strata]
    mine = {key: moments for key, moments in cells.items() if key[0] == variant}
    parts = {
        ", ".join(f"{name}={level}" for name, level in zip(strata, key, strict=True)): moments
        for key, moments in fold(mine, keep).items()
    }
    return Strata.of_parts(columns, parts)
