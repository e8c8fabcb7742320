"""Whether a targeting condition says what its author means.

The engine answers for any condition, and one that makes no sense fits nobody. Nobody means that, so
it is refused where it is written.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from assignment.operators import OPERATORS
from assignment.patterns import build_pattern
from experiment_server.problems import FieldError, invalid_fields, shown

DEEPEST: Final = 10


@dataclass(frozen=True)
class Operand:
    """What may stand behind an operator."""

    fits: Callable[[Any], bool]
    expected: str
    example: str


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_scalar(item) for item in value)


def _is_pattern(value: Any) -> bool:
    return build_pattern(value, ignore_case=False) is not None


SCALAR: Final = Operand(_is_scalar, "a text, number, true, false or null", '{"$eq": "seller"}')
ORDERED: Final = Operand(
    lambda value: isinstance(value, str | int | float) and not isinstance(value, bool),
    "a number or a text",
    '{"$gte": 18}',
)
MEMBERS: Final = Operand(_is_list, "a list of texts or numbers", '{"$in": ["seller", "coach"]}')
PATTERN: Final = Operand(
    _is_pattern, "a regular expression without look-around or back-references", '"^north"'
)
VERSION: Final = Operand(lambda value: isinstance(value, str), "a version", '{"$vgte": "2.1.0"}')
FLAG: Final = Operand(lambda value: isinstance(value, bool), "true or false", '{"$exists": true}')
TYPE: Final = Operand(lambda value: isinstance(value, str), "a type's name", '{"$type": "string"}')
SIZE: Final = Operand(
    lambda value: isinstance(value, int | dict) and not isinstance(value, bool),
    "a number, or a condition on it",
    '{"$size": 2}',
)
OBJECT: Final = Operand(lambda value: isinstance(value, dict), "an object", '{"$not": {"$eq": 1}}')
NO_GROUPS: Final = Operand(
    lambda _value: False, "no saved groups: there are none yet", 'list them: {"$in": ["a", "b"]}'
)

OPERANDS: Final[Mapping[str, Operand]] = {
    **dict.fromkeys(("$eq", "$ne"), SCALAR),
    **dict.fromkeys(("$lt", "$lte", "$gt", "$gte"), ORDERED),
    **dict.fromkeys(("$in", "$nin", "$ini", "$nini", "$all", "$alli"), MEMBERS),
    **dict.fromkeys(("$regex", "$regexi", "$notRegex", "$notRegexi"), PATTERN),
    **dict.fromkeys(("$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte"), VERSION),
    **dict.fromkeys(("$elemMatch", "$not"), OBJECT),
    **dict.fromkeys(("$inGroup", "$notInGroup"), NO_GROUPS),
    "$exists": FLAG,
    "$type": TYPE,
    "$size": SIZE,
}
COMBINATIONS: Final = ("$and", "$or", "$nor")


def check_condition(condition: Mapping[str, Any], field: str) -> None:
    """Refuse a condition that could fit nobody, or that means something else than it seems to.

    Raises:
        Problem: 422, naming every place.
    """
    errors = list(_condition(condition, field, 0))
    if errors:
        raise invalid_fields(errors)


def _condition(condition: Any, field: str, depth: int) -> Iterator[FieldError]:
    if not isinstance(condition, dict):
        yield FieldError(field, shown(condition), "an object", 'For example {"role": "seller"}.')
        return
    if depth > DEEPEST:
        yield FieldError(field, "a deeper one", f"at most {DEEPEST} levels", "Split the rule.")
        return
    for name, part in condition.items():
        yield from _entry(name, part, f"{field}.{name}", depth)


def _entry(name: str, part: Any, field: str, depth: int) -> Iterator[FieldError]:
    if name in COMBINATIONS:
        if not isinstance(part, list) or not part:
            remedy = 'For example {"$or": [{"role": "seller"}, {"role": "coach"}]}.'
            yield FieldError(field, shown(part), "a list of conditions", remedy)
            return
        for index, inner in enumerate(part):
            yield from _condition(inner, f"{field}[{index}]", depth + 1)
    elif name == "$not":
        yield from _condition(part, field, depth + 1)
    elif name.startswith("$"):
        expected = "an attribute's name, or " + ", ".join((*COMBINATIONS, "$not"))
        yield FieldError(field, shown(name), expected, 'For example {"role": {"$in": [...]}}.')
    else:
        yield from _value(part, field, depth + 1)


def _value(part: Any, field: str, depth: int) -> Iterator[FieldError]:
    if not isinstance(part, dict) or not any(name.startswith("$") for name in part):
        return  # a plain value: equal to it
    for name, operand in part.items():
        yield from _operator(name, operand, f"{field}.{name}", depth)


def _operator(name: str, operand: Any, field: str, depth: int) -> Iterator[FieldError]:
    if name not in OPERATORS:
        known = "one of " + ", ".join(OPERATORS)
        yield FieldError(field, shown(name), known, "Check its spelling.")
        return
    row = OPERANDS[name]
    if not row.fits(operand):
        yield FieldError(field, shown(operand), row.expected, f"For example {row.example}.")
    elif name == "$elemMatch" and not any(key.startswith("$") for key in operand):
        yield from _condition(operand, field, depth + 1)
    elif isinstance(operand, dict):
        yield from _value(operand, field, depth + 1)
