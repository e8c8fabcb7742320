"""PLACES: where SQL holds something of a learner, and how it is removed from there.

A new table that names learners gets a row here. Each function works in the caller's transaction.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlmodel import Session, col, select

from experiment_server.audit.models import AuditEntry
from experiment_server.environments.service import touch_payload
from experiment_server.erasure.naming import ERASED, mentions, names, redacted
from experiment_server.erasure.whom import Whom
from experiment_server.experiments.models import Experiment, ExperimentPhase, ListedUnit
from experiment_server.flags.models import FlagEnvironment
from experiment_server.ingest import buffer
from experiment_server.ingest.chunks import pack
from experiment_server.ingest.outcome_service import forget_learner as forget_outcomes
from experiment_server.quarantine.models import QuarantinedItem
from experiment_server.quarantine.service import forget_learner as forget_quarantined
from experiment_server.xapi.service import forget_learner as forget_statements

Remove = Callable[[Session, Whom], int]


@dataclass(frozen=True)
class Place:
    """One kind of trace, and how it goes.

    Attributes:
        title: what it is, for people.
        remove: removes it; gives how many rows or entries there were.
        remedy: what people must do themselves; empty where ``remove`` does it all.
    """

    title: str
    remove: Remove
    remedy: str = ""


def _buffered(session: Session, whom: Whom) -> int:
    """Rows on their way to the lake: their chunk is written anew without the learner.

    Rows of others who report to the learner stay, without their manager.
    """
    n_changed = 0
    for chunk, rows in list(buffer.read_buffered(session, whom.environment_id)):
        kept = [row for row in rows if row["learner"] != whom.pseudonym]
        managed = [row for row in kept if row.get("manager") == whom.pseudonym]
        for row in managed:
            row["manager"] = None
        n_changed += len(rows) - len(kept) + len(managed)
        if not kept:
            session.delete(chunk)
        elif managed or len(kept) < len(rows):
            packed = pack(kept)
            chunk.n_rows, chunk.n_bytes, chunk.content = packed
            session.add(chunk)
    return n_changed


def _quarantined(session: Session, whom: Whom) -> int:
    """What they sent, and what others sent that names them: an instructor, a manager, a member."""
    n_sent = forget_quarantined(session, whom.environment_id, whom.pseudonym)
    item = QuarantinedItem
    near = session.exec(
        select(item.id, item.raw, item.is_whole)
        .where(item.environment_id == whom.environment_id)
        .where(col(item.raw).contains(json.dumps(whom.learner_id)[1:-1], autoescape=True))
    )
    naming = [
        found for found, raw, is_whole in near if mentions(raw, whom.learner_id, is_whole=is_whole)
    ]
    for found in naming:  # one by one: they are few, and a list of all may be too long for SQL
        session.connection().execute(sa.delete(item).where(col(item.id) == found))
    return n_sent + len(naming)


def _statements(session: Session, whom: Whom) -> int:
    """In whatever role: as actor, instructor, member of a group, ..."""
    return forget_statements(session, whom.environment_id, whom.pseudonym)


def _outcomes(session: Session, whom: Whom) -> int:
    """What corrections are told by."""
    return forget_outcomes(session, whom.environment_id, whom.pseudonym)


def _listed(session: Session, whom: Whom) -> int:
    theirs = sa.delete(ListedUnit).where(
        col(ListedUnit.experiment_id).in_(_experiments_of_learners(whom)),
        col(ListedUnit.unit) == whom.learner_id,
    )
    return int(session.connection().execute(theirs).rowcount)


def _fixed(session: Session, whom: Whom) -> int:
    """Forced variants and previews, in the definitions and in what phases were started with."""
    n_removed = 0
    for experiment in _experiments(session, whom):
        learners = experiment.unit_kind == "learner"
        for name in ("forced", "previews") if learners else ("previews",):
            given = getattr(experiment, name) or {}
            n_removed += whom.learner_id in given
            setattr(experiment, name, _without(given, whom.learner_id))
        session.add(experiment)
        for phase in _phases(session, experiment):
            design = dict(phase.design)
            for name in ("forced", "previews") if learners else ("previews",):
                if whom.learner_id in (design.get(name) or {}):
                    design[name] = _without(design[name], whom.learner_id)
                    n_removed += 1
            phase.design = design
            session.add(phase)
    if n_removed:
        touch_payload(session, whom.environment_id)
    return n_removed


def _audited(session: Session, whom: Whom) -> int:
    """Entries stay, because what was done was done; the id in them goes.

    Another environment's stay as they are: the same id may be somebody else's there.
    """
    looked_up = (
        sa.update(AuditEntry)
        .where(col(AuditEntry.environment_id) == whom.environment_id)
        .where(col(AuditEntry.resource) == f"learner:{whom.pseudonym}")
        .values(resource=f"learner:{ERASED}")
    )
    n_redacted = int(session.connection().execute(looked_up).rowcount)
    here = sa.or_(
        col(AuditEntry.environment_id) == whom.environment_id,
        col(AuditEntry.environment_id).is_(None),
    )
    near = _mentions(AuditEntry, whom.learner_id)
    for entry in session.exec(select(AuditEntry).where(here, near)):
        if names([entry.before, entry.after], whom.learner_id):
            entry.before = redacted(entry.before, whom.learner_id)
            entry.after = redacted(entry.after, whom.learner_id)
            session.add(entry)
            n_redacted += 1
    return n_redacted


def _targeted(session: Session, whom: Whom) -> int:
    """Conditions and rules that name the learner: what else they mean, only people know."""
    rules = session.exec(
        select(FlagEnvironment.rules).where(FlagEnvironment.environment_id == whom.environment_id)
    )
    conditions: list[Any] = [experiment.condition for experiment in _experiments(session, whom)]
    return sum(names(each, whom.learner_id) for each in [*rules, *conditions])


PLACES: Final = (
    Place("rows on their way to the lake", _buffered),
    Place("things in quarantine", _quarantined),
    Place("xAPI statements", _statements),
    Place("current outcomes", _outcomes),
    Place("listed units", _listed),
    Place("forced variants and previews", _fixed),
    Place("audit entries (the id was taken out)", _audited),
    Place(
        "targeting rules that name the learner",
        _targeted,
        "Edit them: these rules are not changed by themselves.",
    ),
)


def _experiments_of_learners(whom: Whom) -> Any:
    return sa.select(col(Experiment.id)).where(
        col(Experiment.environment_id) == whom.environment_id,
        col(Experiment.unit_kind) == "learner",
    )


def _experiments(session: Session, whom: Whom) -> Sequence[Experiment]:
    query = select(Experiment).where(Experiment.environment_id == whom.environment_id)
    return session.exec(query).all()


def _phases(session: Session, experiment: Experiment) -> Sequence[ExperimentPhase]:
    query = select(ExperimentPhase).where(ExperimentPhase.experiment_id == experiment.id)
    return session.exec(query).all()


def _mentions(model: type[AuditEntry], text: str) -> Any:
    """Rows whose JSON holds the text somewhere: few, to be looked at one by one."""
    text = orjson.dumps(text).decode()[1:-1]  # as JSON writes quotes and backslashes
    return sa.or_(
        *(
            sa.cast(column, sa.Text).contains(text, autoescape=True)
            for column in (col(model.before), col(model.after))
        )
    )


def _without(given: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in given.items() if key != name}
