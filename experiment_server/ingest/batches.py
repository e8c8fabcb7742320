"""A batch, read so that one bad item refuses itself; and the answer when none was good."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import orjson

from experiment_server.ingest.items import Receipt, Refusal, Rules
from experiment_server.problems import FieldError, Problem, invalid, shown

MAX_ITEMS: Final = 1_000

Good = TypeVar("Good")


def read_items(raw: bytes, things: str) -> list[Any]:
    """The items of a body such as {"items": [...]}; ``things`` says what they are.

    Raises:
        Problem: 400, when it is no JSON; 422, when it is not such an object.
    """
    remedy = f'Send {{"items": [...]}} with 1 to {MAX_ITEMS:,} {things}.'
    # Not strict_json.loads: one bad text must refuse its item, not the hundreds around it.
    try:
        body = orjson.loads(raw)
    except ValueError as error:
        found = FieldError("body", "malformed JSON", "valid JSON in UTF-8", remedy)
        raise Problem(400, f"The body is no JSON: {error}. {remedy}", [found]) from None
    if not isinstance(body, dict) or set(body) != {"items"}:
        raise invalid("body", body, "an object with the one member items", remedy)
    items = body["items"]
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        raise invalid("items", items, f"a list of 1 to {MAX_ITEMS:,} items", remedy)
    return items


def parse_each(
    items: Sequence[Any], rules: Rules, parse: Callable[[Any, int, Rules], Good | Refusal]
) -> tuple[list[Good], list[Refusal]]:
    """The good items as ``parse`` gives them, and the refusals of the others."""
    parsed: list[Good] = []
    refused: list[Refusal] = []
    for index, item in enumerate(items):
        result = parse(item, index, rules)
        if isinstance(result, Refusal):
            refused.append(result)
        else:
            parsed.append(result)
    return parsed, refused


def nothing_accepted(receipt: Receipt) -> Problem:
    """422: every item was refused; says why of each."""
    first = receipt.refused[0]
    problem = Problem(
        422,
        f"None of the {len(receipt.refused)} items could be accepted. "
        f"The first: {first.field} {first.reason}; {first.remedy}.",
        [
            FieldError(
                f"items[{refusal.index}].{refusal.field}",
                shown(refusal.reason),
                "see remedy",
                refusal.remedy,
            )
            for refusal in receipt.refused
        ],
    )
    problem.extra["refused"] = [refusal.to_json() for refusal in receipt.refused]
    return problem
