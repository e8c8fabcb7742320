"""Replaying and discarding: quarantine's own things, and statements that only their store has."""

from datetime import datetime

from sqlmodel import Session

from experiment_server.db import Database
from experiment_server.environments.models import Environment
from experiment_server.ingest.mapped import XAPI
from experiment_server.quarantine import service as quarantine
from experiment_server.quarantine.service import Chosen, Replayed
from experiment_server.replays.readers import read_again
from experiment_server.security.roles import Actor
from experiment_server.xapi import waiting


def replay(
    database: Database, actor: Actor, environment: Environment, chosen: Chosen, now: datetime
) -> Replayed:
    """Take what is understood now, each thing at most once; the counts of both places together."""
    stored = Replayed(0, 0, 0)
    if chosen.standard in (None, XAPI):
        stored = waiting.replay(database, actor, environment, chosen, now)
    held = quarantine.replay(database, actor, environment, chosen, read_again, now)
    return Replayed(*(one + other for one, other in zip(stored, held, strict=True)))


def discard(
    session: Session,
    actor: Actor,
    environment: Environment,
    chosen: Chosen,
    reason: str,
    now: datetime,
) -> int:
    """Set waiting things aside for good; gives how many.

    Raises:
        Problem: 404, when things are named by id and none of them waits.
    """
    if chosen.standard in (None, XAPI):
        waiting.set_aside(session, int(environment.id or 0), chosen)
    return quarantine.discard(session, actor, environment, chosen, reason, now)
