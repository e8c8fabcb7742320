"""What a roll-up is of: two plans with the same shape are read from the same one."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import ibis

from analysis.exposed import MET
from analysis.kinds import OUTCOME_PREFIX
from analysis.plan import AnalysisPlan
from analysis.tallies import tally

FORMAT: Final = 2
EVENTS: Final = "events"
OUTCOMES: Final = "outcomes"


@dataclass(frozen=True)
class Shape:
    """What the tallies of a plan depend on, besides the lake's rows.

    Not the look's time, nor variants, norms, caps and priors: they come in when tallies are read.
    """

    experiment: str
    phase: int
    fingerprint: str  # SHA-256 over everything
    parts: tuple[str, ...]  # ``parts_of`` the plan

    @classmethod
    def of(cls, plan: AnalysisPlan) -> "Shape":
        """A plan's shape.

        The query itself is part of it: when a kind of event comes to mean something else, or a
        metric is computed in another way, an old roll-up is not read any more.
        """
        asked = {
            "format": FORMAT,
            "experiment": plan.experiment,
            "phase": plan.phase,
            "unit_kind": plan.unit_kind,
            "started_at": plan.started_at.isoformat(),
            "met": MET,
            "query": _query(plan),
        }
        said = json.dumps(asked, sort_keys=True)
        return cls(plan.experiment, plan.phase, sha256(said.encode()).hexdigest(), parts_of(plan))

    @property
    def folder(self) -> str:
        """Its folder's name."""
        readable = "".join(sign if sign.isalnum() else "-" for sign in self.experiment)[:40]
        return f"{readable}-{self.phase}-{self.fingerprint[:24]}"


def _query(plan: AnalysisPlan) -> str:
    columns: dict[str, Any] = {"learner": "string", "kind": "string", "value": "float64"}
    events = ibis.table({**columns, "occurred_at": "timestamp('UTC')"}, name="events")
    people: dict[str, Any] = {"place": "int64", "learner": "string", "exposed_us": "int64"}
    return str(ibis.to_sql(tally(plan, events, ibis.table(people, name="people")), "duckdb"))


def parts_of(plan: AnalysisPlan) -> tuple[str, ...]:
    """The tables whose rows are tallied apart: outcomes too, when a metric names one.

    A correction takes an earlier outcome back, so that theirs cannot be added to.
    """
    named = [*plan.take_up_kinds]
    for metric in plan.metrics:
        named += [*metric.event_kinds, *metric.denominator_kinds]
    names_outcomes = any(kind.startswith(OUTCOME_PREFIX) for kind in named)
    return (EVENTS, OUTCOMES) if names_outcomes else (EVENTS,)
