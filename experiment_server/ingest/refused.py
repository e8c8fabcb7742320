"""What a batch's refused items look like in quarantine."""

from collections.abc import Sequence
from typing import Any, Final

from experiment_server.ingest.items import Refusal, Rules
from experiment_server.ingest.values import MAX_UNIT
from experiment_server.quarantine.held import Held, Why

NATIVE: Final = "native"


def held_items(items: Sequence[Any], refused: Sequence[Refusal], rules: Rules) -> list[Held]:
    """The refused items as they came, with their reasons and the learners that can be read."""
    return [
        Held(
            items[refusal.index],
            why(refusal),
            _learner(items[refusal.index], rules),
            rules.may_describe,
        )
        for refusal in refused
    ]


def why(refusal: Refusal) -> Why:
    """A refusal without its place in the batch."""
    return Why(refusal.field, refusal.reason, refusal.remedy)


def _learner(item: Any, rules: Rules) -> str | None:
    sent = item.get("learner") if type(item) is dict else None
    if type(sent) is not str or not 1 <= len(sent) <= MAX_UNIT or not sent.isprintable():
        return None
    return rules.pseudonyms.learner(sent)
