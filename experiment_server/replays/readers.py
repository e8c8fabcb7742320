"""What waits in quarantine, back through its parser and into the buffer."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import Session

from experiment_server.ingest import buffer, mapped
from experiment_server.ingest.batches import parse_each
from experiment_server.ingest.items import Refusal
from experiment_server.ingest.outcome_service import outcome_rules, take_facts
from experiment_server.ingest.outcomes import OUTCOMES, parse_outcome
from experiment_server.ingest.refused import NATIVE, why
from experiment_server.ingest.service import load_rules, parse_batch
from experiment_server.quarantine.held import Again, SetAside
from experiment_server.quarantine.service import Answer
from experiment_server.xapi.service import find_voided

Reader = Callable[[Session, int, datetime, Sequence[Again]], Sequence[Refusal]]
"""Takes session, environment's id, time of receipt and things of one standard; buffers what is good
now, in the caller's transaction, and gives the refusals of the others, each with its index."""

VOIDED: Final = SetAside("its sender voided it")


def read_again(
    session: Session,
    environment_id: int,
    standard: str,
    received_at: datetime,
    things: Sequence[Again],
) -> list[Answer]:
    """Parse things again as they were received then; None for each that is taken now."""
    answers: list[Answer] = [None] * len(things)
    for n in _voided(session, environment_id, things) if standard == mapped.XAPI else ():
        answers[n] = VOIDED
    places = [n for n, answer in enumerate(answers) if answer is None]
    wanted = [things[n] for n in places]
    for refusal in READERS[standard](session, environment_id, received_at, wanted):
        answers[places[refusal.index]] = why(refusal)
    return answers


def _voided(session: Session, environment_id: int, things: Sequence[Again]) -> list[int]:
    """Which statements were voided since they came."""
    ids = [str(thing.raw["id"]).lower() for thing in things]
    voided = find_voided(session, environment_id, ids)
    return [n for n, statement_id in enumerate(ids) if statement_id in voided]


def _read_native(
    session: Session, environment_id: int, received_at: datetime, things: Sequence[Again]
) -> list[Refusal]:
    refused: list[Refusal] = []
    for may_describe in (True, False):  # a thing has the right that its sender had
        places = [n for n, thing in enumerate(things) if thing.may_describe is may_describe]
        items = [things[n].raw for n in places]
        rules = load_rules(session, environment_id, items, received_at, may_describe=may_describe)
        parsed, bad = parse_batch(items, rules)
        buffer.append(session, environment_id, parsed, received_at)
        refused += [
            Refusal(places[one.index], one.id, one.field, one.reason, one.remedy) for one in bad
        ]
    return refused


def _read_outcomes(
    session: Session, environment_id: int, received_at: datetime, things: Sequence[Again]
) -> list[Refusal]:
    rules = outcome_rules(session, environment_id, received_at)
    facts, refused = parse_each([thing.raw for thing in things], rules, parse_outcome)
    take_facts(session, environment_id, facts, received_at, is_late=True)
    return refused


def _mapped_reader(standard: str) -> Reader:
    def read(
        session: Session, environment_id: int, received_at: datetime, things: Sequence[Again]
    ) -> Sequence[Refusal]:
        raw = [thing.raw for thing in things]
        return mapped.read_again(session, environment_id, standard, received_at, raw)

    return read


READERS: Final[dict[str, Reader]] = {
    NATIVE: _read_native,
    OUTCOMES: _read_outcomes,
    mapped.XAPI: _mapped_reader(mapped.XAPI),
    mapped.CALIPER: _mapped_reader(mapped.CALIPER),
}
"""Name of the standard, as quarantine has it, to what reads its things again."""
