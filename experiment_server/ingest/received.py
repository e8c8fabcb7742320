"""Looking into the ledger of received ids without entering anything."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session, col

from experiment_server.ingest.models import ReceivedEvent


def find_received(session: Session, environment_id: int, keys: Collection[bytes]) -> set[bytes]:
    """Those of the keys (``ledger.event_key``) whose ids were taken before."""
    if not keys:
        return set()
    found = session.connection().execute(
        sa.select(col(ReceivedEvent.event_key))
        .where(col(ReceivedEvent.environment_id) == environment_id)
        .where(col(ReceivedEvent.event_key).in_(sorted(keys)))
    )
    return {bytes(key) for key in found.scalars()}
