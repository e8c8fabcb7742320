"""Taking an envelope: its events by the environment's kind rules, the rest refused by index."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from experiment_server.db import Database
from experiment_server.ingest.items import Receipt
from experiment_server.ingest.mapped import CALIPER, take
from experiment_server.ingest.standards.caliper import is_description


class Taken(NamedTuple):
    """What became of an envelope."""

    receipt: Receipt
    n_described: int  # descriptions of things: nobody did anything, so nothing is kept


def take_envelope(
    database: Database, environment_id: int, data: Sequence[Any], now: datetime
) -> Taken:
    """Buffer the events. When this returns, they survive any crash; the rest is in quarantine."""
    places = [n for n, item in enumerate(data) if not is_description(item)]
    with database.write() as session:
        receipt = take(session, environment_id, CALIPER, [data[n] for n in places], now)
    refused = tuple(replace(one, index=places[one.index]) for one in receipt.refused)
    n_described = len(data) - len(places)
    return Taken(Receipt(receipt.accepted, receipt.duplicates, refused), n_described)
