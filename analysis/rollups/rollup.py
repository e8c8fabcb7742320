"""A roll-up in memory: Arrow tables, and which versions of the lake they were made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import ibis
import pyarrow as pa
import pyarrow.compute as pc
from ibis.expr import types as ir

from analysis.exposed import MET, first_meetings
from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan
from analysis.tallies import merges

from .standing import with_standing

FOLLOWED: Final = ("events", "exposures", "outcomes")
"""The tables whose rows are in a roll-up; learners' descriptions are read when it is."""

MET_SCHEMA: Final = pa.schema(
    [(name, pa.int64() if name == "exposed_us" else pa.string()) for name in MET]
)
STANDING_SCHEMA: Final = pa.schema(
    [
        *MET_SCHEMA,
        ("is_learners_first", pa.bool_()),
        ("is_units_first", pa.bool_()),
        ("crossed_us", pa.int64()),
    ]
)
PEOPLE_SCHEMA: Final = pa.schema([("learner", pa.string()), ("exposed_us", pa.int64())])


@dataclass(frozen=True, eq=False)
class Rollup:
    """All that is kept of one experiment's phase.

    Attributes:
        versions: table -> the Delta version up to which its rows are in here; -1: there was none.
        ids: table -> Delta's id of it; "" where there was none.
        met: one row for each learner, unit and variant: its first exposure (``exposed.MET``), and
            what it means (``standing.with_standing``).
        rows: part -> one row a learner, in the order of ``first_exposures``: ``learner``,
            ``exposed_us`` and the plan's tallies; null where there were no events in its windows.
        received: UTC day -> when the youngest row of that day arrived, in microseconds.
    """

    versions: Mapping[str, int]
    ids: Mapping[str, str]
    met: pa.Table
    rows: Mapping[str, pa.Table]
    received: Mapping[date, int]


def rows_schema(plan: AnalysisPlan) -> pa.Schema:
    """The columns of a part's rows."""
    tallies = {name: ibis.dtype(merge.type) for name, merge in merges(plan).items()}
    return pa.schema([*PEOPLE_SCHEMA, *ibis.schema(tallies).to_pyarrow()])


def in_engine(lake: Lake, rows: pa.Table) -> ir.Table:
    """Rows of ours as a table of the lake's session."""
    return lake.connect().create_table(ibis.util.gen_name("rollup"), rows, temp=True)


def first_meetings_of(met: ir.Table) -> pa.Table:
    """The exposures' first meetings, and what they mean."""
    ordered = with_standing(first_meetings(met).cache()).order_by(["learner", "unit", "variant"])
    return ordered.select(*STANDING_SCHEMA.names).to_pyarrow().cast(STANDING_SCHEMA)


def first_exposures(met: pa.Table) -> pa.Table:
    """Every learner with its first exposure: ``learner``, ``exposed_us``; by learner."""
    return those(met, "is_learners_first").select(PEOPLE_SCHEMA.names)


def those(met: pa.Table, flag: str) -> pa.Table:
    """The meetings of which the flag is true."""
    # Most often every one: a learner who meets one variant has one row.
    return met if pc.all(met[flag]).as_py() else met.filter(met[flag])


def of_everybody(people: pa.Table, rows: pa.Table) -> pa.Table:
    """One row for each of the people and in their order, from rows of some of them.

    A look then finds the tallies of a learner in its place, and looks nobody up.
    """
    found = rows.combine_chunks().take(pc.index_in(people["learner"], rows["learner"]))
    tallies = [found[name] for name in found.column_names[len(PEOPLE_SCHEMA) :]]
    columns = [*people.select(PEOPLE_SCHEMA.names).columns, *tallies]
    return pa.table(columns, schema=rows.schema)


def add_up(plan: AnalysisPlan, rows: ir.Table) -> ir.Table:
    """One row a learner, from rows that each hold the tallies of some of its events."""
    whole = {name: merge.whole(rows[name]).cast(merge.type) for name, merge in merges(plan).items()}
    return rows.group_by(["learner", "exposed_us"]).aggregate(**whole)
