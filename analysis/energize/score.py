"""The score of every learner, and why one learner has the score it has."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import ibis
from ibis.expr import types as ir

from analysis.energize.components import point_values
from analysis.energize.facts import FACTS, as_floats, learner_facts, weeks_in
from analysis.energize.norms import COMPONENTS, PARTS, Norms
from analysis.energize.reference import score_components
from analysis.lake.reader import Lake


@dataclass(frozen=True)
class ComponentExplanation:
    """One component of one learner's score: what went in, what came out."""

    component: str
    weight: float  # share of the score, 0-1; 0: the program has no such component
    value: float  # 0-1
    points: float  # 100 x weight x value
    inputs: dict[str, float]  # what was counted
    norms: dict[str, float]  # count -> what fills half of its part
    sentence: str


@dataclass(frozen=True)
class ScoreExplanation:
    """Why a learner has this score."""

    learner: str
    score: float  # 0-100
    window_from: str  # ISO time
    window_to: str  # ISO time, not included
    version: str
    components: tuple[ComponentExplanation, ...]

    def to_json(self) -> dict[str, Any]:
        """The explanation as plain JSON values."""
        return asdict(self)


def score_learners(lake: Lake, norms: Norms, as_of: datetime) -> ir.Table:
    """Every learner's score in the window that ends at ``as_of``.

    One row per learner known by then: ``learner``, ``score``, the points of each component (they
    add up to the score), ``without_incentive``, and the counts they come from.
    """
    scored = score_window(lake, norms, as_of - timedelta(days=norms.window_days))
    known = _known_learners(lake, as_of)
    joined = known.left_join(scored, "learner").drop("learner_right")
    return joined.mutate(
        {name: joined[name].fill_null(0.0) for name in scored.columns if name != "learner"}
    )


def score_window(lake: Lake, norms: Norms, start: datetime) -> ir.Table:
    """The scores of the learners with any event in the window that begins at ``start``."""
    facts = learner_facts(lake, start, norms.window_days)
    points = point_values({name: facts[name] for name in FACTS}, norms, norms.window_days)
    columns = {name: value.cast("float64") for name, value in points.items()}
    counts = {name: facts[name].cast("float64") for name in FACTS}
    return facts.select("learner", **columns, **counts)


def explain_learner(
    lake: Lake, norms: Norms, learner: str, as_of: datetime
) -> ScoreExplanation | None:
    """Why a learner has the score it has at ``as_of``; None: nobody knows this learner."""
    scores = score_learners(lake, norms, as_of)
    found = scores.filter(scores.learner == learner).limit(1).to_pyarrow().to_pylist()
    if not found:
        return None
    row = found[0]
    start = as_of - timedelta(days=norms.window_days)
    return ScoreExplanation(
        learner=learner,
        score=float(row["score"]),
        window_from=start.isoformat(),
        window_to=as_of.isoformat(),
        version=norms.version,
        components=tuple(_explain(name, row, norms) for name in COMPONENTS),
    )


_INPUTS: Mapping[str, tuple[str, ...]] = {
    **PARTS,
    "retention": ("active_weeks", "active_days"),
    "incentive": ("claims", "judged_claim_days", "followed_claim_days"),
}


def _explain(component: str, row: Mapping[str, Any], norms: Norms) -> ComponentExplanation:
    facts = as_floats(row)
    inputs = {name: facts[name] for name in _INPUTS[component]}
    constants = {name: norms.half_saturation[name] for name in norms.parts(component)}
    value = score_components(facts, norms, norms.window_days).get(component, 0.0)
    return ComponentExplanation(
        component=component,
        weight=norms.weights[component],
        value=value,
        points=float(row[component]),
        inputs=inputs,
        norms=constants,
        sentence=_sentence(component, inputs, norms),
    )


def _sentence(component: str, inputs: Mapping[str, float], norms: Norms) -> str:
    if component not in norms.components:
        return "The program had no events of this sort when the score was calibrated."
    count = {name: f"{amount:g}" for name, amount in inputs.items()}
    usual = {name: f"{norms.half_saturation[name]:g}" for name in norms.parts(component)}
    weeks = weeks_in(norms.window_days)
    if component == "retention":
        return (
            f"Active in {count['active_weeks']} of {weeks} weeks, on {count['active_days']} days "
            f"(an ordinary active learner: {usual['active_days']})."
        )
    if component == "incentive":
        return (
            f"{count['claims']} rewards claimed (ordinary: {usual['claims']}); came back within a "
            f"week after {count['followed_claim_days']} of {count['judged_claim_days']} claim days."
        )
    words = {
        "challenges": "challenges completed",
        "course_units": "units of course progress",
        "peer_actions": "weighted peer actions",
    }
    parts = (f"{count[name]} {words[name]} (ordinary: {usual[name]})" for name in usual)
    return "; ".join(parts) + "."


def _known_learners(lake: Lake, as_of: datetime) -> ir.Table:
    events, learners = lake.table("events"), lake.table("learners")
    seen = events.filter(events.occurred_at < ibis.literal(as_of)).select("learner")
    described = learners.filter(learners.described_at < ibis.literal(as_of)).select("learner")
    return ibis.union(seen, described, distinct=True)
