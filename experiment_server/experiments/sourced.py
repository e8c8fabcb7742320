"""Whether an experiment can be read from the source that it names."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from experiment_server.problems import FieldError, invalid_fields, shown
from experiment_server.sources.service import find_source


def check_source(session: Session, environment_id: int | None, values: Mapping[str, Any]) -> None:
    """Refuse a source that is not there, or a design that cannot be read from one.

    Raises:
        Problem: 422.
    """
    key = values["source"]
    if key is None:
        return
    errors = []
    source = find_source(session, int(environment_id or 0), key)
    if source is None:
        remedy = "GET /api/v1/environments/<env>/sources lists them."
        errors.append(FieldError("source", shown(key), "the key of a source", remedy))
    for field, asked in (
        ("crossover", values.get("crossover")),
        ("schedule.bandit", (values.get("schedule") or {}).get("bandit")),
    ):
        if asked:
            found, expected = f"{field} beside a source", "another design"
            remedy = "Read it from the lake: leave the source out."
            errors.append(FieldError(field, found, expected, remedy))
    if errors:
        raise invalid_fields(errors)
