"""Things of xAPI and Caliper on their way to the buffer: by the environment's own kind rules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlmodel import Session

from experiment_server.ingest import buffer
from experiment_server.ingest.items import ParsedItem, Receipt, Refusal, Rules
from experiment_server.ingest.refused import why
from experiment_server.ingest.service import load_rules, parse_batch
from experiment_server.ingest.standards import caliper, xapi
from experiment_server.kind_rules.service import load_table
from experiment_server.kind_rules.table import CALIPER, XAPI
from experiment_server.quarantine import service as quarantine
from experiment_server.quarantine.held import Held

__all__ = ["CALIPER", "XAPI", "read_again", "read_stored", "take"]

_IS_SILENT: Final = {XAPI: xapi.is_silent, CALIPER: caliper.is_silent}
_LEARNER_OF: Final = {XAPI: xapi.learner_of, CALIPER: caliper.learner_of}


def take(
    session: Session,
    environment_id: int,
    standard: str,
    things: Sequence[Any],
    received_at: datetime,
) -> Receipt:
    """Buffer what is an event and hold the rest in quarantine, in the caller's transaction.

    What the kind rules are silent about is neither: it is no event, and nothing is wrong with it.
    """
    rules = _rules(session, environment_id, received_at)
    receipt = _append(session, environment_id, standard, things, rules)
    held = [
        Held(
            things[refusal.index],
            why(refusal),
            _pseudonym(_LEARNER_OF[standard](things[refusal.index]), rules),
        )
        for refusal in receipt.refused
    ]
    quarantine.hold(session, environment_id, standard, held, received_at)
    return receipt


def read_again(
    session: Session,
    environment_id: int,
    standard: str,
    received_at: datetime,
    things: Sequence[Any],
) -> Sequence[Refusal]:
    """Buffer what is an event by the rules of now; gives the refusals of the rest."""
    rules = _rules(session, environment_id, received_at)
    return _append(session, environment_id, standard, things, rules).refused


def read_stored(
    session: Session,
    environment_id: int,
    standard: str,
    stored: Sequence[tuple[datetime, Any]],
    now: datetime,
) -> Receipt:
    """Buffer what is an event by the rules of now, of things each with the time it was received."""
    rules = _rules(session, environment_id, now)
    good: list[ParsedItem] = []
    refused: list[Refusal] = []
    n_before = 0
    for received_at, group in groupby(stored, key=lambda one: one[0]):
        things = [thing for _at, thing in group]
        parsed, bad = _parse(standard, things, replace(rules, received_at=received_at))
        good += parsed
        refused += [replace(one, index=n_before + one.index) for one in bad]
        n_before += len(things)
    appended = buffer.append(session, environment_id, good, now)
    return Receipt(appended.accepted, appended.duplicates, tuple(refused))


def _rules(session: Session, environment_id: int, received_at: datetime) -> Rules:
    rules = load_rules(session, environment_id, (), received_at, may_describe=True)
    return replace(rules, kinds=load_table(session, environment_id))


def _append(
    session: Session, environment_id: int, standard: str, things: Sequence[Any], rules: Rules
) -> Receipt:
    parsed, refused = _parse(standard, things, rules)
    appended = buffer.append(session, environment_id, parsed, rules.received_at)
    return Receipt(appended.accepted, appended.duplicates, tuple(refused))


def _parse(
    standard: str, things: Sequence[Any], rules: Rules
) -> tuple[list[ParsedItem], list[Refusal]]:
    """The events, and the refusals of what is neither an event nor silent."""
    is_silent = _IS_SILENT[standard]
    places = [n for n, thing in enumerate(things) if not is_silent(thing, rules.kinds)]
    parsed, refused = parse_batch([things[n] for n in places], rules, standard)
    return parsed, [replace(refusal, index=places[refusal.index]) for refusal in refused]


def _pseudonym(learner: str | None, rules: Rules) -> str | None:
    return rules.pseudonyms.learner(learner) if learner and learner.isprintable() else None
