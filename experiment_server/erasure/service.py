"""Erasing a learner: SQL in one transaction, then the lake, its history and its roll-ups."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from analysis.lake.erase import count_learner, count_managed, erase_learner
from analysis.lake.log import silence_ahead
from analysis.lake.schema import TABLES
from experiment_server.audit.service import record
from experiment_server.environments.models import Environment
from experiment_server.erasure.naming import ERASED
from experiment_server.erasure.places import PLACES
from experiment_server.erasure.whom import Whom
from experiment_server.ingest.rewriting import rewriting
from experiment_server.ingest.sealing import exclusive, lake_root, seal_all
from experiment_server.security.roles import Actor
from experiment_server.state import State


@dataclass(frozen=True)
class Trace:
    """What there was of the learner in one place."""

    place: str
    n: int
    remedy: str = ""  # what people must do themselves


def find(state: State, environment: Environment, learner_id: str) -> tuple[Trace, ...]:
    """What an erasure would remove; nothing is changed."""
    whom = Whom.of(environment, learner_id)
    root = lake_root(state.settings.lake_dir, environment)
    with state.database.read() as session:
        found = [Trace(place.title, place.remove(session, whom), place.remedy) for place in PLACES]
        session.rollback()
    for name in TABLES:
        n_managed = count_managed(root, name, whom.pseudonym)
        found += _in_lake(name, count_learner(root, name, whom.pseudonym), n_managed)
    return tuple(found)


def erase(
    state: State, actor: Actor, environment: Environment, learner_id: str
) -> tuple[Trace, ...]:
    """Remove a learner for good; what there was, place by place.

    Compaction and vacuum wait meanwhile; sealing too, but while an older lake's log is silenced. A
    crash in between leaves nothing half done that a second call would not finish. Stored readouts
    and reports stay: they hold aggregates only. What hosts keep (an SDK's spool, files that were
    imported) is theirs to remove; events that they send afterwards are taken as those of somebody
    new.

    Raises:
        SealingBusyError: another server seals or compacts this environment and has not come to an
            end.
    """
    from analysis import rollups  # heavy: the server starts without it

    whom = Whom.of(environment, learner_id)
    root = lake_root(state.settings.lake_dir, environment)
    seal_all(state.database, environment, root)
    with ExitStack() as held:
        held.enter_context(rewriting(state.database, whom.environment_id))
        silenced = {name: silence_ahead(root, name) for name in TABLES}
        held.enter_context(exclusive(state.database, whom.environment_id))
        with state.database.write() as session:
            found = [
                Trace(place.title, place.remove(session, whom), place.remedy) for place in PLACES
            ]
        for name in TABLES:
            gone = erase_learner(root, name, whom.pseudonym, silenced[name])
            found += _in_lake(name, gone.n_rows, gone.n_managed)
            found.append(Trace(f"older files of the lake's {name}", gone.n_files))
        rollups.forget(root)
    state.database.clear_away()
    with state.database.write() as session:
        record(
            session,
            actor,
            "learner.erase",
            f"learner:{ERASED}",
            after={trace.place: trace.n for trace in found},
            environment_id=whom.environment_id,
        )
    return tuple(found)


def _in_lake(table: str, n_rows: int, n_managed: int) -> Iterator[Trace]:
    yield Trace(f"rows of the lake's {table}", n_rows)
    if n_managed:
        yield Trace(
            f"rows of others in the lake's {table} (their manager was taken out)", n_managed
        )
