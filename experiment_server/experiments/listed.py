"""Units that an experiment assigns by list: storing, finding, checking. A list never changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from assignment.bucketing import namespace_filter
from experiment_server.experiments.bandit_errors import bandit_of
from experiment_server.experiments.designs import arm_keys
from experiment_server.experiments.designs.kind import Design, Moment
from experiment_server.experiments.models import Experiment, ExperimentPhase, ListedUnit
from experiment_server.problems import FieldError, invalid, invalid_fields, shown

MOST_UNITS: Final = 50_000
LONGEST_UNIT: Final = 256
MOST_NAMED: Final = 3  # units in one error
AT_ONCE: Final = 10_000  # rows in one statement

Listing = Sequence[Mapping[str, str]]
"""A list as it is sent: {unit, variant, stratum}."""


def check_items(items: Listing, design: Design) -> list[FieldError]:
    """Every entry that does not fit: a unit twice, an unknown variant, a unit outside the ring."""
    arms = arm_keys(design)
    seen: set[str] = set()
    errors = []
    for index, item in enumerate(items):
        if item["unit"] in seen:
            found, remedy = shown(item["unit"]), "List each unit once."
            errors.append(FieldError(f"items[{index}].unit", found, "a unit of its own", remedy))
        if item["variant"] not in arms:
            expected = "one of " + ", ".join(arms)
            found = shown(item["variant"])
            errors.append(FieldError(f"items[{index}].variant", found, expected, "Check its key."))
        seen.add(item["unit"])
    return errors + outside_namespace([item["unit"] for item in items], design)


def outside_namespace(units: Iterable[str], design: Design) -> list[FieldError]:
    """Listed units that another experiment of the namespace may use."""
    space = design.get("namespace")
    if not space:
        return []
    ring = namespace_filter(space["name"], space["low"], space["high"])
    outside = [unit for unit in units if not ring.admits(unit)]
    if not outside:
        return []
    named = ", ".join(shown(unit) for unit in outside[:MOST_NAMED])
    return [
        FieldError(
            "items",
            f"{len(outside)} units outside the namespace's range, such as {named}",
            f"units within {space['low']} to {space['high']} of {space['name']}",
            "Leave them out: another experiment of the namespace may use them. "
            "`momentum assign --namespace` does.",
        )
    ]


def check_kept(session: Session, experiment: Experiment, design: Design) -> None:
    """Refuse a new design that the experiment's list does not fit.

    Raises:
        Problem: 422.
    """
    allocation = experiment.allocation
    if not allocation:
        return
    if design.get("holdout_key"):
        remedy = "Delete the allocation first: the holdout has chosen its units."
        raise invalid("allocation", "a list", "none in an experiment on a holdout", remedy)
    if bandit_of(design) is not None:
        remedy = "Delete the allocation first: a bandit's shares move, listed units would not."
        raise invalid("allocation", "a list", "none in a bandit", remedy)
    gone = sorted(set(allocation["counts"]) - set(arm_keys(design)))
    if gone or design["unit_kind"] != experiment.unit_kind:
        found = f"a list for {', '.join(gone) or experiment.unit_kind + 's'}"
        remedy = "Delete the allocation first, or send one for the new design afterwards."
        raise invalid("allocation", found, "a list for this design", remedy)
    if design.get("namespace") == experiment.namespace:
        return
    units = [unit for arm in load_arms(session, experiment, allocation).values() for unit in arm]
    outside = outside_namespace(units, design)
    if outside:
        raise invalid_fields([replace(error, field="namespace") for error in outside])


def load_arms(
    session: Session, experiment: Experiment, allocation: Mapping[str, Any] | None
) -> dict[str, list[str]]:
    """The listed units of each arm, sorted; empty when nothing is assigned by list."""
    if not allocation:
        return {}
    query = (
        select(ListedUnit.arm, ListedUnit.unit)
        .where(
            ListedUnit.experiment_id == experiment.id,
            ListedUnit.revision == allocation["revision"],
        )
        .order_by(col(ListedUnit.unit))
    )
    arms: dict[str, list[str]] = {}
    for arm, unit in session.exec(query):
        arms.setdefault(arm, []).append(unit)
    return arms


def moment_of(
    session: Session, experiment: Experiment, phase: ExperimentPhase, now: datetime
) -> Moment:
    """When a phase is compiled, and for whom: what is over stays as it was when it stopped."""
    at = min(now, phase.stopped_at or now)
    arms = load_arms(session, experiment, phase.design.get("allocation"))
    return Moment.of(phase.started_at, at, arms)


def load_rows(session: Session, experiment: Experiment) -> list[ListedUnit]:
    """The current list, by unit."""
    allocation = experiment.allocation
    if not allocation:
        return []
    query = select(ListedUnit).where(
        ListedUnit.experiment_id == experiment.id, ListedUnit.revision == allocation["revision"]
    )
    return list(session.exec(query.order_by(col(ListedUnit.unit))))


def load_strata(session: Session, experiment: Experiment, units: Iterable[str]) -> dict[str, str]:
    """The strata of those of these units that are on the current list."""
    allocation = experiment.allocation or {}
    query = select(ListedUnit.unit, ListedUnit.stratum).where(
        ListedUnit.experiment_id == experiment.id,
        ListedUnit.revision == allocation.get("revision", 0),
        col(ListedUnit.unit).in_(sorted(set(units))),
    )
    return dict(session.exec(query).all())


def store(session: Session, experiment: Experiment, items: Listing) -> dict[str, Any]:
    """Keep a list as the experiment's next revision; what ``Experiment.allocation`` then says."""
    last = select(sa.func.max(ListedUnit.revision)).where(ListedUnit.experiment_id == experiment.id)
    revision = (session.exec(last).first() or 0) + 1
    rows = [
        {
            "experiment_id": experiment.id,
            "revision": revision,
            "unit": item["unit"],
            "arm": item["variant"],
            "stratum": item["stratum"],
        }
        for item in items
    ]
    for start in range(0, len(rows), AT_ONCE):
        session.execute(sa.insert(ListedUnit), rows[start : start + AT_ONCE])
    arms = [item["variant"] for item in items]
    return {
        "revision": revision,
        "n_units": len(items),
        "counts": {arm: arms.count(arm) for arm in arm_keys(experiment_design(experiment))},
        "strata": len({item["stratum"] for item in items} - {""}),
    }


def forget_unused(session: Session, experiment: Experiment) -> None:
    """Delete the lists that neither the definition nor a phase refers to."""
    phases = session.exec(
        select(ExperimentPhase).where(ExperimentPhase.experiment_id == experiment.id)
    )
    used = [phase.design.get("allocation") for phase in phases] + [experiment.allocation]
    kept = {allocation["revision"] for allocation in used if allocation}
    session.execute(
        sa.delete(ListedUnit).where(
            col(ListedUnit.experiment_id) == experiment.id,
            col(ListedUnit.revision).not_in(kept),
        )
    )


def experiment_design(experiment: Experiment) -> dict[str, Any]:
    """The parts of a definition that say who can be assigned to what."""
    names = ("unit_kind", "variants", "namespace", "factors", "crossover")
    return {name: getattr(experiment, name) for name in names}
