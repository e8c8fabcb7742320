"""What a batch of a file's rows becomes: parsed, and then taken or rehearsed."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlmodel import Session

from experiment_server.imports.mapping import EVENTS, LEARNERS, OUTCOMES, ColumnMapping
from experiment_server.imports.report import RefusedRow
from experiment_server.imports.rows import FileRow
from experiment_server.ingest import buffer
from experiment_server.ingest.items import ParsedItem, Refusal, Rules, Unacceptable
from experiment_server.ingest.outcome_service import outcome_rules, take_facts
from experiment_server.ingest.outcomes import Fact, parse_outcome
from experiment_server.ingest.service import load_rules
from experiment_server.ingest.standards import native

Good = ParsedItem | Fact
Parse = Callable[[Any, int, Rules], "Good | Refusal"]
Take = Callable[[Session, int, Sequence[Any], datetime], buffer.Appended]


class Parsed(NamedTuple):
    """A batch of rows, read."""

    good: list[Any]  # ParsedItem, or Fact of outcomes
    refused: list[RefusedRow]


def parse_rows(rows: Sequence[FileRow], mapping: ColumnMapping, rules: Rules) -> Parsed:
    """Each row as what its subject takes, or why not."""
    parse = PARSERS[mapping.subject.name]
    good: list[Any] = []
    refused: list[RefusedRow] = []
    for row in rows:
        if row.values is None:
            refused.append(RefusedRow(row, *(row.problem or ("row", "is unreadable", "mend it"))))
            continue
        try:
            found = parse(mapping.to_item(row.values), row.number, rules)
        except Unacceptable as no_item:
            said = (no_item.field, no_item.reason, no_item.remedy)
            refused.append(RefusedRow(row, *said))
            continue
        if isinstance(found, Refusal):
            refused.append(RefusedRow(row, found.field, found.reason, found.remedy))
        else:
            good.append(found)
    return Parsed(good, refused)


def rules_of(session: Session, environment_id: int, subject: str, now: datetime) -> Rules:
    """What the parser needs to know besides a row."""
    if subject == OUTCOMES.name:
        return outcome_rules(session, environment_id, now)
    return load_rules(session, environment_id, [], now, may_describe=True)


PARSERS: Final[dict[str, Parse]] = {
    EVENTS.name: native.parse_item,
    LEARNERS.name: native.parse_item,
    OUTCOMES.name: parse_outcome,
}
TAKERS: Final[dict[str, Take]] = {
    EVENTS.name: buffer.append,
    LEARNERS.name: buffer.append,
    OUTCOMES.name: take_facts,
}
"""Subject to what takes its good rows, inside the caller's transaction."""
