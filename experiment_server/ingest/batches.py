"""A batch, read so that one bad item refuses itself; and the answer when none was good."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import orjson

from experiment_server.ingest.items import Receipt, Refusal, Rules
from experiment_server.problems import FieldError, Problem, invalid, shown

MAX_ITEMS: Final = 1_000
_MOST_DIGITS: Final = 309  # of a number that a float can hold

Good = TypeVar("Good")


def read_items(raw: bytes, things: str) -> list[Any]:
    """The items of a body such as {"items": [...]}; ``things`` says what they are.

    Raises:
        Problem: 400, when it is no JSON; 422, when it is not such an object.
    """
    remedy = f'Send {{"items": [...]}} with 1 to {MAX_ITEMS:,} {things}.'
    body = load_body(raw, remedy)
    if not isinstance(body, dict) or set(body) != {"items"}:
        raise invalid("body", body, "an object with the one member items", remedy)
    items = body["items"]
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        raise invalid("items", items, f"a list of 1 to {MAX_ITEMS:,} items", remedy)
    return items


def load_body(raw: bytes, remedy: str) -> Any:
    """A body's JSON, its bad texts and numbers left for the parser of the item that has them.

    Not ``strict_json.loads``: one bad value must refuse its item, not the hundreds around it. What
    is no UTF-8 comes as lone surrogates, and a number that is too large as an infinite one.

    Raises:
        Problem: 400, when it is no JSON; ``remedy`` says what to send.
    """
    try:
        return orjson.loads(raw)
    except ValueError:
        text = raw.decode("utf-8", "surrogateescape")
    try:
        return json.loads(text, parse_int=_read_int)
    except RecursionError:
        reason, remedy = "it is nested too deeply", "Flatten it: name and value."
    except ValueError as error:
        reason = str(error)
    found = FieldError("body", f"malformed JSON: {reason}", "valid JSON in UTF-8", remedy)
    raise Problem(400, f"The body is no JSON: {reason}. {remedy}", [found])


def _read_int(digits: str) -> float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


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
