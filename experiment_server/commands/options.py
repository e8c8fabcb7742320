"""Options that several commands share."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from experiment_server.problems import Problem

Environment = Annotated[str, typer.Option("--environment", "-e", help="The environment's key.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="As if it were this day or time (UTC); default: now.")
]


def parse_time(text: str) -> datetime:
    """The time that ``--as-of`` names; a day means its first moment, no zone means UTC.

    Raises:
        Problem: it is neither a day nor a time.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(
            422, f"--as-of: found {text!r}, expected a day or a time; for example 2026-03-01"
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
