"""Setting how long rows are kept, and removing those that are past their time."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from analysis.lake.erase import erase_before
from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.ingest.rewriting import rewriting
from experiment_server.ingest.sealing import exclusive, lake_root
from experiment_server.problems import invalid
from experiment_server.retention.models import RetentionRule
from experiment_server.security.roles import Actor
from experiment_server.state import State
from experiment_server.xapi.service import forget_before as forget_statements

LEAST_DAYS: Final = 90  # a score's window and the one before it, and a look at both
MOST_DAYS: Final = 36_500

Remove = Callable[[State, Environment, datetime], int]


def _days_of(table: str) -> Callable[[str, datetime], int]:
    return lambda root, before: erase_before(root, table, before.date())


def _superseded(root: str, before: datetime) -> int:
    from analysis.learners import forget_superseded  # heavy: the server starts without it

    return forget_superseded(root, before)


def _of_lake(erase: Callable[[str, datetime], int]) -> Remove:
    def remove(state: State, environment: Environment, before: datetime) -> int:
        from analysis import rollups  # heavy: the server starts without it

        root, environment_id = lake_root(state.settings.lake_dir, environment), environment.id or 0
        with rewriting(state.database, environment_id), exclusive(state.database, environment_id):
            n_rows = erase(root, before)
            if n_rows:
                rollups.forget(root)
        return n_rows

    return remove


def _statements(state: State, environment: Environment, before: datetime) -> int:
    with state.database.write() as session:
        return forget_statements(session, int(environment.id or 0), before)


KEPT: Final[dict[str, Remove]] = {
    "events": _of_lake(_days_of("events")),
    "exposures": _of_lake(_days_of("exposures")),
    "outcomes": _of_lake(_days_of("outcomes")),
    "learners": _of_lake(_superseded),
    "statements": _statements,
}
"""What a rule can be about: whole UTC days of the lake's tables, descriptions of learners that
later ones have superseded, and stored xAPI statements."""


def list_rules(session: Session, environment: Environment) -> dict[str, int]:
    """What is kept for how many days; what is not named is kept for ever."""
    found = session.exec(
        select(RetentionRule).where(RetentionRule.environment_id == environment.id)
    )
    return {rule.kept: rule.keep_days for rule in found}


def set_rules(
    session: Session, actor: Actor, environment: Environment, wanted: Mapping[str, int]
) -> dict[str, int]:
    """Replace an environment's rules.

    Raises:
        Problem: 422, for a kind that there is not, or a number of days outside ``LEAST_DAYS`` to
            ``MOST_DAYS``. What experiments still need of older days is not looked at: a rule lasts
            longer than they do.
    """
    for kept, days in wanted.items():
        if kept not in KEPT:
            raise invalid(kept, kept, "one of " + ", ".join(KEPT), "Check its spelling.")
        if not LEAST_DAYS <= days <= MOST_DAYS:
            remedy = "Leave it out to keep everything."
            raise invalid(kept, days, f"{LEAST_DAYS} to {MOST_DAYS:,} days", remedy)
    before = list_rules(session, environment)
    if dict(wanted) == before:
        return before
    session.execute(
        sa.delete(RetentionRule).where(col(RetentionRule.environment_id) == environment.id)
    )
    for kept, days in wanted.items():
        session.add(
            RetentionRule(environment_id=int(environment.id or 0), kept=kept, keep_days=days)
        )
    record(
        session,
        actor,
        "environment.retention",
        f"environment:{environment.key}",
        before=before,
        after=dict(wanted),
        environment_id=environment.id,
    )
    return dict(wanted)


def apply(state: State, environment: Environment, now: datetime) -> dict[str, int]:
    """Remove what is past its time; how many rows of each kind went.

    The lake's files themselves go with the vacuum, once no readout may ask for them.
    """
    with state.database.read() as session:
        rules = list_rules(session, environment)
    return {
        kept: KEPT[kept](state, environment, now - timedelta(days=days))
        for kept, days in rules.items()
    }
