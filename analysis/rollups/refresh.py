"""Bringing a roll-up to the lake's version: from new files alone where that is exact, else anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.engines.functions import epoch_us
from analysis.exposed import met_in
from analysis.lake.changes import Unknown, files_since, table_id
from analysis.lake.reader import Lake
from analysis.lake.schema import DAY
from analysis.plan import AnalysisPlan
from analysis.tallies import Reach, tally

from .rollup import (
    FOLLOWED,
    MET_SCHEMA,
    PEOPLE_SCHEMA,
    Rollup,
    add_up,
    first_exposures,
    first_meetings_of,
    in_engine,
    of_everybody,
    rows_schema,
)
from .shape import EVENTS, OUTCOMES, Shape, parts_of
from .shelf import Shelf

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_ABSENT: Final = "there was none"
_ASKED: Final = "asked for"
_LATER: Final = "one of a later version of the lake is there"
_USUAL: Final = ("", _ABSENT, _ASKED, _LATER)

How = Literal["as it was", "updated", "rebuilt", "not used"]


@dataclass(frozen=True)
class Refreshed:
    """A roll-up at the lake's version, and how it came to be there.

    Attributes:
        rollup: None when one of a later version lies there: then the lake itself is read.
        how: what was done.
        reason: why it was rebuilt, not used or not saved; "" otherwise.
        n_files: how many new files were read.
    """

    rollup: Rollup | None
    how: How
    reason: str = ""
    n_files: int = 0

    @property
    def is_surprising(self) -> bool:
        """Whether somebody should hear of it: what lay there was of no use, or it was not saved."""
        return self.reason not in _USUAL


def refresh(plan: AnalysisPlan, lake: Lake) -> Refreshed:
    """The plan's roll-up at the lake's version, read, updated or made; and put in its place.

    Args:
        plan: its shape matters, not its look.
        lake: pinned at a version.
    """
    shelf = Shelf(lake.root, Shape.of(plan))
    found = shelf.load(rows_schema(plan))
    if found is None:
        return _put(shelf, Refreshed(build(plan, lake), "rebuilt", _ABSENT))
    if isinstance(found, Unknown):
        return _put(shelf, Refreshed(build(plan, lake), "rebuilt", found.reason))
    wanted = versions_of(lake)
    if found.versions == wanted and found.ids == _ids(lake, wanted):
        return Refreshed(found, "as it was")
    if any(found.versions[name] > wanted[name] for name in FOLLOWED):
        return Refreshed(None, "not used", _LATER)
    added = _added(lake, found, wanted)
    if isinstance(added, Unknown):
        return _put(shelf, Refreshed(build(plan, lake), "rebuilt", added.reason))
    n_files = sum(len(files) for files in added.values())
    return _put(shelf, Refreshed(_update(plan, lake, found, added), "updated", n_files=n_files))


def rebuild(plan: AnalysisPlan, lake: Lake) -> Refreshed:
    """The plan's roll-up, from all of the lake's history, whatever lies there."""
    shelf = Shelf(lake.root, Shape.of(plan))
    return _put(shelf, Refreshed(build(plan, lake), "rebuilt", _ASKED))


def _put(shelf: Shelf, made: Refreshed) -> Refreshed:
    """The same, saved where that is possible: a disk that is full must not cost the readout."""
    if made.rollup is None:
        return made
    try:
        shelf.save(made.rollup)
    except OSError as error:
        said = f"it could not be saved ({error})"
        return replace(made, reason=f"{made.reason}; {said}" if made.reason else said)
    return made


def versions_of(lake: Lake) -> dict[str, int]:
    """The versions of the tables that roll-ups follow; -1: there is none."""
    return {name: lake.version.get(name, -1) for name in FOLLOWED}


def _ids(lake: Lake, versions: Mapping[str, int]) -> dict[str, str]:
    return {
        name: table_id(lake.root, name, version) if version >= 0 else ""
        for name, version in versions.items()
    }


def _added(
    lake: Lake, found: Rollup, wanted: Mapping[str, int]
) -> dict[str, tuple[str, ...]] | Unknown:
    """Each table's new files."""
    ids = _ids(lake, wanted)
    added: dict[str, tuple[str, ...]] = {}
    for name in FOLLOWED:
        if found.ids[name] not in ("", ids[name]):
            return Unknown(f"table {name} was made again")
        files = files_since(lake.root, name, found.versions[name], wanted[name])
        if isinstance(files, Unknown):
            return files
        added[name] = files
    return added


# --- from all of history


def build(plan: AnalysisPlan, lake: Lake) -> Rollup:
    """The plan's roll-up from all of the lake's history; nothing is put anywhere."""
    exposures = lake.table("exposures", since=plan.started_at)
    met = first_meetings_of(met_in(plan, exposures))
    people = first_exposures(met)
    versions = versions_of(lake)
    rows = {part: _rows(plan, _only(lake, part), people) for part in parts_of(plan)}
    return Rollup(
        versions=versions,
        ids=_ids(lake, versions),
        met=met,
        rows={part: of_everybody(people, found) for part, found in rows.items()},
        received=_received(lake),
    )


def _only(lake: Lake, part: str) -> Lake:
    """The lake as if one table were all it has."""
    return lake.of_files({name: files for name, files in lake.files.items() if name == part})


def _rows(plan: AnalysisPlan, part: Lake, people: pa.Table) -> pa.Table:
    """One row for each of the people (by learner) with events in its windows."""
    schema = rows_schema(plan)
    if not len(people):
        return schema.empty_table()
    reach = Reach.of(plan)
    exposed = pc.min_max(people["exposed_us"]).as_py()
    first, last = exposed["min"] - reach.back_us, exposed["max"] + reach.ahead_us
    part = _of_days(part, _time(first).date(), _time(last).date())
    # By learner, as files are: neighbours there are then neighbours in memory.
    place = pa.array(np.arange(len(people), dtype=np.int64))
    numbered = in_engine(part, people.append_column("place", place))
    counted = tally(plan, part.table(EVENTS), numbered)
    return counted.join(numbered, "place").select(*schema.names).to_pyarrow().cast(schema)


def _of_days(lake: Lake, first: date, last: date) -> Lake:
    """The lake without the files of other days.

    A filter would spare the same files, but the engine would take it for more than it is, and then
    keep the events in memory rather than the learners.
    """

    def is_wanted(path: str) -> bool:
        day = path.rpartition(f"/{DAY}=")[2].partition("/")[0]
        return f"/{DAY}=" not in path or str(first) <= day <= str(last)

    wanted = {name: tuple(filter(is_wanted, paths)) for name, paths in lake.files.items()}
    return lake.of_files(wanted)


def _time(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def _received(lake: Lake) -> dict[date, int]:
    """When the youngest row of each day arrived."""
    latest: dict[date, int] = {}
    for name in ("events", "exposures"):
        table = lake.table(name)
        daily = table.group_by(DAY).aggregate(at=epoch_us(table.received_at.max()))
        for row in daily.to_pyarrow().to_pylist():
            latest[row[DAY]] = max(row["at"], latest.get(row[DAY], row["at"]))
    return latest


# --- from what is new


@dataclass(frozen=True)
class _News:
    """What came since an old roll-up."""

    plan: AnalysisPlan
    lake: Lake
    added: Mapping[str, Sequence[str]]  # table -> new files
    met: pa.Table
    people: pa.Table  # everybody, with the first exposure as it is known now
    moved: pa.Table  # those who are new, or turn out to have been exposed earlier

    @classmethod
    def of(
        cls, plan: AnalysisPlan, lake: Lake, old: Rollup, added: Mapping[str, Sequence[str]]
    ) -> "_News":
        met = old.met
        if added["exposures"]:
            fresh = lake.of_files({"exposures": added["exposures"]})
            new = met_in(plan, fresh.table("exposures", since=plan.started_at)).to_pyarrow()
            known = met.select(MET_SCHEMA.names)
            both = in_engine(fresh, pa.concat_tables([known, new.cast(MET_SCHEMA)]))
            met = first_meetings_of(both)
        nowhere = lake.of_files({})
        people = first_exposures(met)
        if met is old.met:
            return cls(plan, lake, added, met, people, people.slice(0, 0))
        before = first_exposures(old.met)
        moved = _without(nowhere, people, before, PEOPLE_SCHEMA.names)
        return cls(plan, lake, added, met, people, moved)


def _update(
    plan: AnalysisPlan, lake: Lake, old: Rollup, added: Mapping[str, Sequence[str]]
) -> Rollup:
    """The roll-up with the rows of the new files.

    Learners who are new, or turn out to have been exposed earlier, are read from history, because
    all of their events may count. Everybody else gets the new events' tallies beside the old.
    """
    news = _News.of(plan, lake, old, added)
    rows = {EVENTS: _with_events(news, old.rows[EVENTS])}
    if OUTCOMES in old.rows:
        rows[OUTCOMES] = _with_outcomes(news, old.rows[OUTCOMES])
    received = dict(old.received)
    for day, at in _received(lake.of_files(added)).items():
        received[day] = max(at, received.get(day, at))
    versions = versions_of(lake)
    rows = {part: of_everybody(news.people, found) for part, found in rows.items()}
    return Rollup(versions, _ids(lake, versions), news.met, rows, received)


def _with_events(news: _News, old: pa.Table) -> pa.Table:
    fresh = news.lake.of_files({EVENTS: news.added[EVENTS]})
    kept = _without(fresh, old, news.moved, ["learner"])
    if news.added[EVENTS]:
        known = _without(fresh, news.people, news.moved, ["learner"])
        both = pa.concat_tables([kept, _rows(news.plan, fresh, known)])
        kept = add_up(news.plan, in_engine(fresh, both)).to_pyarrow().cast(kept.schema)
    return pa.concat_tables([kept, _rows(news.plan, _only(news.lake, EVENTS), news.moved)])


def _with_outcomes(news: _News, old: pa.Table) -> pa.Table:
    """Of learners with a new outcome all are read again: it may supersede one that was counted."""
    again = news.moved
    if news.added[OUTCOMES]:
        fresh = news.lake.of_files({OUTCOMES: news.added[OUTCOMES]})
        named = fresh.table(OUTCOMES).select("learner").distinct()
        touched = in_engine(fresh, news.people).semi_join(named, "learner").to_pyarrow()
        both = pa.concat_tables([again, touched.cast(PEOPLE_SCHEMA)])
        again = in_engine(fresh, both).distinct().to_pyarrow().cast(PEOPLE_SCHEMA)
    kept = _without(news.lake.of_files({}), old, again, ["learner"])
    return pa.concat_tables([kept, _rows(news.plan, _only(news.lake, OUTCOMES), again)])


def _without(lake: Lake, rows: pa.Table, others: pa.Table, by: Sequence[str]) -> pa.Table:
    """The rows whose key is not among the others'."""
    if not len(others):
        return rows
    kept = in_engine(lake, rows).anti_join(in_engine(lake, others), list(by))
    return kept.select(*rows.column_names).to_pyarrow().cast(rows.schema)
