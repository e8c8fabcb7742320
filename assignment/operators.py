"""OPERATORS: one row for each targeting operator.

An operator is built once, when a payload is read, and then tested for each learner. Both steps are
total: an expectation that makes no sense gives a test that is always false, and a test answers for
any attribute value, however odd.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from .values import Test, compare, is_truthy, number_text, same, scalar_text, type_name
from .versions import version_key


class Builder(Protocol):
    """What an operator may ask of the condition it stands in."""

    def value(self, expected: Any, *, fold_case: bool = False) -> Test:
        """A test of one value against what a condition says of it."""

    def condition(self, expected: Any) -> Test:
        """A test of an object against a condition."""

    def group(self, name: Any) -> Sequence[Any]:
        """The members of a saved group; empty when there is none of that name."""


Operator = Callable[[Any, Builder], Test]


def never(_actual: Any) -> bool:
    """The test that nothing passes."""
    return False


def _negated(operator: Operator) -> Operator:
    def build(expected: Any, builder: Builder) -> Test:
        test = operator(expected, builder)
        return lambda actual: not test(actual)

    return build


def _needs_list(operator: Operator) -> Operator:
    """False, negated or not, when the expectation is no list: the specification asks for it."""
    return lambda expected, builder: (
        operator(expected, builder) if isinstance(expected, list | tuple) else never
    )


def _equals(expected: Any, _builder: Builder) -> Test:
    return lambda actual: same(actual, expected)


def _ordered(fits: Callable[[int], bool]) -> Operator:
    def build(expected: Any, _builder: Builder) -> Test:
        def test(actual: Any) -> bool:
            order = compare(actual, expected)
            return order is not None and fits(order)

        return test

    return build


def _version(fits: Callable[[int], bool]) -> Operator:
    def build(expected: Any, _builder: Builder) -> Test:
        if not isinstance(expected, str) and not _is_number(expected):
            return never
        wanted_key = version_key(_version_text(expected))

        def test(actual: Any) -> bool:
            key = version_key(_version_text(actual))
            return fits((key > wanted_key) - (key < wanted_key))

        return test

    return build


def _version_text(value: Any) -> str:
    """A text or a number as a version; anything else, and an empty text, is version 0."""
    if isinstance(value, str):
        return value or "0"
    return number_text(value) if _is_number(value) else "0"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _member_of(members: Sequence[Any], *, fold_case: bool) -> Test:
    """Whether a value, or one of a list, is among the members; quick for texts and numbers."""

    def fold(value: Any) -> Any:
        return value.lower() if fold_case and isinstance(value, str) else value

    texts = frozenset(fold(member) for member in members if isinstance(member, str))
    numbers = frozenset(member for member in members if _is_number(member) and member == member)
    others = tuple(
        member for member in members if not isinstance(member, str) and not _is_number(member)
    )

    def is_member(value: Any) -> bool:
        if isinstance(value, str):
            return fold(value) in texts
        if _is_number(value):
            return value in numbers
        return any(same(value, other) for other in others)

    def test(actual: Any) -> bool:
        if isinstance(actual, list | tuple):
            return any(is_member(item) for item in actual)
        return is_member(actual)

    return test


def _in(expected: Any, _builder: Builder) -> Test:
    return _member_of(expected, fold_case=False)


def _in_any_case(expected: Any, _builder: Builder) -> Test:
    return _member_of(expected, fold_case=True)


def _in_group(expected: Any, builder: Builder) -> Test:
    return _member_of(builder.group(expected), fold_case=False)


def _all(expected: Any, builder: Builder) -> Test:
    return _holds_all([builder.value(item) for item in expected])


def _all_in_any_case(expected: Any, builder: Builder) -> Test:
    return _holds_all([builder.value(item, fold_case=True) for item in expected])


def _holds_all(tests: Sequence[Test]) -> Test:
    return lambda actual: (
        isinstance(actual, list | tuple)
        and all(any(test(item) for item in actual) for test in tests)
    )


def _element_matches(expected: Any, builder: Builder) -> Test:
    if not isinstance(expected, Mapping):
        return never
    operators_only = bool(expected) and all(str(name).startswith("$") for name in expected)
    test = builder.value(expected) if operators_only else builder.condition(expected)
    return lambda actual: (
        isinstance(actual, list | tuple)
        and any(test(item) for item in actual if item is not None)  # null is no element
    )


def _size(expected: Any, builder: Builder) -> Test:
    test = builder.value(expected)
    return lambda actual: isinstance(actual, list | tuple) and test(len(actual))


def _exists(expected: Any, _builder: Builder) -> Test:
    wanted = is_truthy(expected)
    return lambda actual: (actual is not None) is wanted


def _type(expected: Any, _builder: Builder) -> Test:
    if not isinstance(expected, str):
        return never
    return lambda actual: type_name(actual) == expected


def _not(expected: Any, builder: Builder) -> Test:
    test = builder.value(expected)
    return lambda actual: not test(actual)


def _pattern(*, ignore_case: bool) -> Operator:
    def build(expected: Any, _builder: Builder) -> Test:
        from .patterns import build_pattern  # most payloads have no pattern, and hosts start sooner

        matches = build_pattern(expected, ignore_case=ignore_case)
        if matches is None:
            return never

        def test(actual: Any) -> bool:
            text = scalar_text(actual)
            return text is not None and matches(text)

        return test

    return build


OPERATORS: Final[Mapping[str, Operator]] = {
    "$eq": _equals,
    "$ne": _negated(_equals),
    "$lt": _ordered(lambda order: order < 0),
    "$lte": _ordered(lambda order: order <= 0),
    "$gt": _ordered(lambda order: order > 0),
    "$gte": _ordered(lambda order: order >= 0),
    "$in": _needs_list(_in),
    "$nin": _needs_list(_negated(_in)),
    "$ini": _needs_list(_in_any_case),
    "$nini": _needs_list(_negated(_in_any_case)),
    "$inGroup": _in_group,
    "$notInGroup": _negated(_in_group),
    "$all": _needs_list(_all),
    "$alli": _needs_list(_all_in_any_case),
    "$elemMatch": _element_matches,
    "$size": _size,
    "$exists": _exists,
    "$type": _type,
    "$not": _not,
    "$regex": _pattern(ignore_case=False),
    "$regexi": _pattern(ignore_case=True),
    "$notRegex": _negated(_pattern(ignore_case=False)),
    "$notRegexi": _negated(_pattern(ignore_case=True)),
    "$veq": _version(lambda order: order == 0),
    "$vne": _version(lambda order: order != 0),
    "$vlt": _version(lambda order: order < 0),
    "$vlte": _version(lambda order: order <= 0),
    "$vgt": _version(lambda order: order > 0),
    "$vgte": _version(lambda order: order >= 0),
}
"""Each operator of the GrowthBook specification; an unknown one fits nothing."""
