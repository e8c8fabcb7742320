"""Conditions in operators that every GrowthBook SDK knows. Pure.

`$notRegex` came after JavaScript's version 1.8.0, where an unknown operator fits nobody: a browser
would decide otherwise than the server. `$not` of `$regex` says the same to all of them.
"""

from typing import Any, Final

NEGATED: Final = {"$notRegex": "$regex", "$notRegexi": "$regexi"}
COMBINATIONS: Final = ("$and", "$or", "$nor")

Json = dict[str, Any]


def plain_condition(condition: Any) -> Any:
    """The same condition without operators that an SDK might not know.

    Example:
        >>> plain_condition({"role": {"$notRegex": "^a", "$ne": "b"}})
        {'role': {'$not': {'$regex': '^a'}, '$ne': 'b'}}
    """
    if not isinstance(condition, dict):
        return condition
    parts = [part for name, value in condition.items() for part in _entries(name, value)]
    if len(parts) == len(condition):
        return {name: value for part in parts for name, value in part.items()}
    return {"$and": parts}


def _entries(name: str, part: Any) -> list[Json]:
    """What an entry says; in several entries where one attribute has several negations."""
    if name in COMBINATIONS:
        return [{name: [plain_condition(one) for one in part] if isinstance(part, list) else part}]
    if name == "$not":
        return [{name: plain_condition(part)}]
    return [{name: value} for value in _values(part)]


def _values(part: Any) -> list[Any]:
    """What must all hold of a value: more than one when each has a `$not` of its own."""
    if not _has_operators(part):
        return [part]
    values: list[Json] = [{}]
    for name, operand in part.items():
        plain_name, plain_operand = _operator(name, operand)
        if plain_name in values[-1]:
            values.append({})
        values[-1][plain_name] = plain_operand
    return values


def _operator(name: str, operand: Any) -> tuple[str, Any]:
    if name in NEGATED:
        return "$not", {NEGATED[name]: operand}
    if name == "$elemMatch" and not _has_operators(operand):
        return name, plain_condition(operand)
    if name in ("$not", "$elemMatch"):
        values = _values(
            operand
        )  # several negations cannot be said here; then all stay as they are
        return name, values[0] if len(values) == 1 else operand
    return name, operand


def _has_operators(part: Any) -> bool:
    return isinstance(part, dict) and all(name.startswith("$") for name in part)
