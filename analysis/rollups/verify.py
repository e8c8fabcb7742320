"""Looking at a roll-up, and holding it against history: every number of every learner."""

from dataclasses import dataclass

import pyarrow as pa

from analysis.lake.changes import Unknown
from analysis.lake.reader import Lake
from analysis.plan import AnalysisPlan

from .refresh import Refreshed, build, refresh, versions_of
from .rollup import rows_schema
from .shape import Shape
from .shelf import Shelf


@dataclass(frozen=True)
class Verified:
    """What a comparison with history found.

    Attributes:
        refreshed: how the roll-up came to be at the lake's version.
        n_learners: who has met a variant, as history says.
        differing: what is not the same; () when every row is.
    """

    refreshed: Refreshed
    n_learners: int
    differing: tuple[str, ...]


@dataclass(frozen=True)
class Seen:
    """A roll-up as it lies there.

    Attributes:
        n_learners: who has met a variant; 0 where there is none to read.
        is_fresh: whether every row of the lake's version is in it.
        state: fresh, behind, none, or why it cannot be read.
    """

    n_learners: int
    is_fresh: bool
    state: str


def see(plan: AnalysisPlan, lake: Lake) -> Seen:
    """What lies there of the plan; nothing is brought up to date."""
    found = Shelf(lake.root, Shape.of(plan)).load(rows_schema(plan))
    if found is None:
        return Seen(0, is_fresh=False, state="none")
    if isinstance(found, Unknown):
        return Seen(0, is_fresh=False, state=found.reason)
    is_fresh = found.versions == versions_of(lake)
    n_learners = len(found.met["learner"].unique())
    return Seen(n_learners, is_fresh, "fresh" if is_fresh else "behind")


def verify(plan: AnalysisPlan, lake: Lake) -> Verified:
    """Compare the plan's roll-up, brought to the lake's version, with one made from history."""
    refreshed = refresh(plan, lake)
    anew = build(plan, lake)
    n_learners = len(anew.met["learner"].unique())
    found = refreshed.rollup
    if found is None:
        return Verified(refreshed, n_learners, ())
    differing = [] if _is_same(found.met, anew.met) else ["first exposures"]
    differing += [
        f"tallies of {part}"
        for part in anew.rows
        if not _is_same(found.rows[part], anew.rows[part])
    ]
    if dict(found.received) != dict(anew.received):
        differing.append("when rows were received")
    return Verified(refreshed, n_learners, tuple(differing))


def _is_same(one: pa.Table, other: pa.Table) -> bool:
    """Whether two tables hold the same rows, in whatever order."""
    keys = [(name, "ascending") for name in ("learner", "exposed_us", "variant", "unit")]
    order = [key for key in keys if key[0] in one.column_names]
    return bool(one.sort_by(order).equals(other.sort_by(order)))
