"""Options that several commands share."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from experiment_server.problems import Problem
from experiment_server.times import EXPECTED, is_bounded

Environment = Annotated[str, typer.Option("--environment", "-e", help="The environment's key.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="As if it were this day or time (UTC); default: now.")
]


def parse_time(text: str) -> datetime:
    """The time that ``--as-of`` names; a day means its first moment, no zone means UTC.

    Raises:
        Problem: it is neither a day nor a time, or lies before 2000 or after tomorrow.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _refusal(text, "a day or a time") from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    if not is_bounded(at):
        raise _refusal(text, EXPECTED)
    return at.astimezone(UTC)


def _refusal(text: str, expected: str) -> Problem:
    return Problem(422, f"--as-of: found {text!r}, expected {expected}; for example 2026-03-01")
