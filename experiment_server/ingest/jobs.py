"""Scheduled work on events: sealing the buffer into the lake, keeping the lake quick."""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, select

from analysis.lake.compact import compact_all
from experiment_server.environments.models import Environment
from experiment_server.environments.service import list_environments, load_environment
from experiment_server.ingest.models import BufferedChunk
from experiment_server.ingest.rewriting import rewriting
from experiment_server.ingest.sealing import lake_root, seal_all
from experiment_server.schedule.grid import latest_daily, latest_slot
from experiment_server.schedule.job import Claim, Job, Slot
from experiment_server.state import State


def _due_seals(state: State, session: Session, now: datetime) -> list[Slot]:
    slot_at = latest_slot(now, timedelta(seconds=state.settings.seal_seconds))
    waiting = select(BufferedChunk.environment_id).where(
        BufferedChunk.environment_id == Environment.id
    )
    filled = select(Environment.key).where(waiting.exists()).order_by(col(Environment.key))
    return [Slot(key, slot_at) for key in session.exec(filled)]


def _seal(state: State, claim: Claim) -> None:
    environment, root = _place(state, claim.scope)
    seal_all(state.database, environment, root)


def _due_compactions(_state: State, session: Session, now: datetime) -> list[Slot]:
    slot_at = latest_daily(now, hour=3)
    return [Slot(environment.key, slot_at) for environment in list_environments(session)]


def _compact(state: State, claim: Claim) -> None:
    environment, root = _place(state, claim.scope)
    with rewriting(state.database, int(environment.id or 0)):
        compact_all(root)


def _place(state: State, key: str) -> tuple[Environment, str]:
    with state.database.read() as session:
        environment = load_environment(session, key)
    return environment, lake_root(state.settings.lake_dir, environment)


JOBS: Final = (
    Job("seal", "Move received events into the lake", _due_seals, _seal, lease_s=120, quick=True),
    Job(
        "compact",
        "Merge the lake's small files and sort them by learner, daily",
        _due_compactions,
        _compact,
        lease_s=1800,
    ),
)
