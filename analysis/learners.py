"""Learners with their history: what was said of each, and what was true at a time.

Each statement about a learner holds from a time on, and what it leaves out stays as it was. So a
learner's attributes have a history, and an analysis asks for them as of the first exposure: who is
promoted later is still counted in the role in which it met its variant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import ibis
from ibis.expr import types as ir

from analysis.engines.functions import epoch_us
from analysis.lake.erase import keep_only
from analysis.lake.reader import Lake

ATTRIBUTES: Final = ("role", "region", "team", "manager", "started_on")
"""What is kept of a learner; ``team`` and ``manager`` are pseudonyms."""

MOST_STATEMENTS: Final = 1_000


@dataclass(frozen=True)
class Statement:
    """What was said of a learner at one time; None: nothing was said of that attribute."""

    said_by: str  # "description", or the key of the experiment whose exposure said it
    at: datetime  # from when it holds
    received_at: datetime
    role: str | None = None
    region: str | None = None
    team: str | None = None
    manager: str | None = None
    started_on: date | None = None


def attributes_at(
    people: ir.Table, lake: Lake, as_of: datetime, names: Sequence[str] = ATTRIBUTES
) -> ir.Table:
    """What descriptions say of each learner as of its own time.

    Of each attribute: the latest description at or before the time that names it; when there is
    none, the earliest one after it. Among several of one time the larger event id counts, so the
    answer does not depend on the order in which they arrived.

    Args:
        people: one row a learner: ``learner``, and the time as ``exposed_us`` (microseconds).
        lake: where learners are described.
        as_of: descriptions of that time and later are not read.
        names: which attributes.

    Returns:
        ``learner`` and the attributes: a row for each of the people who was ever described.
    """
    described = lake.table("learners")
    described = described.filter(described.described_at < ibis.literal(as_of))
    said = described.select(
        "event_id", *names, who="learner", said_us=epoch_us(described.described_at)
    )
    joined = people.select("learner", "exposed_us").join(said, people.learner == said.who)
    apart_us = joined.exposed_us - joined.said_us
    nearest = ibis.window(
        group_by="learner",
        order_by=[apart_us < 0, apart_us.abs(), ibis.desc("event_id")],
    )
    placed = joined.mutate(place=ibis.row_number().over(nearest))
    return placed.group_by("learner").aggregate(
        **{name: placed[name].argmin(placed.place, where=placed[name].notnull()) for name in names}
    )


def forget_superseded(root: str | Path, before: datetime) -> int:
    """Remove descriptions that nothing from a time on can depend on; gives how many went.

    Of descriptions before that time, each learner's latest stays, and of each attribute the latest
    that names it: so ``attributes_at`` answers the same for that time and every later one. For an
    earlier exposure it answers with what was true at that time. Nobody may write meanwhile.

    Args:
        root: the environment's lake folder.
        before: the time, aware.
    """
    rows = Lake.open(root).table("learners")
    rows = rows.mutate(is_old=rows.described_at < ibis.literal(before))
    newest_first = [ibis.desc("described_at"), ibis.desc("event_id")]
    latest = ibis.window(group_by=["learner", "is_old"], order_by=newest_first)
    is_needed = ~rows.is_old | (ibis.row_number().over(latest) == 0)
    for name in ATTRIBUTES:
        told = rows[name].notnull()
        naming = ibis.window(group_by=["learner", "is_old", told], order_by=newest_first)
        is_needed |= told & (ibis.row_number().over(naming) == 0)
    found = rows.mutate(is_needed=is_needed).cache()
    n_gone = int(found.filter(~found.is_needed).count().to_pyarrow().as_py())
    if n_gone:
        kept = found.filter(found.is_needed).drop("is_old", "is_needed")
        keep_only(root, "learners", kept.order_by(["learner", "described_at"]).to_pyarrow())
    return n_gone


def statements_about(lake: Lake, learner: str) -> tuple[Statement, ...]:
    """All that was said of a learner (a pseudonym), the earliest first; at most a thousand.

    Descriptions, and what exposures said of the learner that met a variant.
    """
    described, exposed = lake.table("learners"), lake.table("exposures")
    described = described.filter(described.learner == learner)
    exposed = exposed.filter(
        exposed.learner == learner,
        exposed.role.notnull() | exposed.region.notnull() | exposed.team.notnull(),
    )
    nothing = ibis.null("string")
    said = described.select(
        *ATTRIBUTES, "event_id", "received_at", said_by=ibis.literal("description"),
        at="described_at",
    ).union(
        exposed.select(
            "role", "region", "team", "event_id", "received_at", manager=nothing,
            started_on=ibis.null("date"), said_by="experiment", at="exposed_at",
        ).select(*ATTRIBUTES, "event_id", "received_at", "said_by", "at")
    )  # fmt: skip
    rows = said.order_by(["at", "event_id"]).limit(MOST_STATEMENTS).drop("event_id")
    return tuple(Statement(**row) for row in rows.to_pyarrow().to_pylist())
