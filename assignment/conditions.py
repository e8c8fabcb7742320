"""Targeting conditions: read once into a tree of tests, then asked for each learner."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from .operators import OPERATORS, never
from .values import Test, is_truthy, same, scalar_text, step_into, to_number

DEEPEST: Final = 32
"""Nesting beyond this fits nothing: no person writes it, and it must not exhaust the stack."""


def build_condition(condition: Any, groups: Mapping[str, Sequence[Any]]) -> Test:
    """A test of attributes against a condition, for example ``{"role": {"$in": ["seller"]}}``.

    All entries must hold. A condition that makes no sense fits nobody.

    Example:
        >>> build_condition({"role": "seller"}, {})({"role": "seller"})
        True
    """
    return _Builder(groups, 0).condition(condition)


def all_of(tests: Sequence[Test]) -> Test:
    """One test that holds when each of them does."""
    if len(tests) == 1:
        return tests[0]

    def test(actual: Any) -> bool:
        for one in tests:  # noqa: SIM110 - a generator would cost more than the tests
            if not one(actual):
                return False
        return True

    return test


class _Builder:
    """Builds the tests of one level of a condition, with the saved groups at hand."""

    def __init__(self, groups: Mapping[str, Sequence[Any]], depth: int) -> None:
        self._groups = groups
        self._depth = depth

    def group(self, name: Any) -> Sequence[Any]:
        return self._groups.get(name, ()) if isinstance(name, str) else ()

    def condition(self, expected: Any) -> Test:
        if not isinstance(expected, Mapping) or self._depth > DEEPEST:
            return never
        inner = _Builder(self._groups, self._depth + 1)
        return all_of([inner.entry(str(name), part) for name, part in expected.items()])

    def entry(self, name: str, part: Any) -> Test:
        combine = _COMBINATIONS.get(name)
        if combine is not None:
            return combine(self, part)
        if isinstance(part, str) and "." not in name:
            return _has_text(name, part)
        return _at_path(name, self.value(part))

    def conditions(self, parts: Any) -> list[Test] | None:
        if not isinstance(parts, list | tuple):
            return None
        return [self.condition(part) for part in parts]

    def value(self, expected: Any, *, fold_case: bool = False) -> Test:
        if isinstance(expected, Mapping):
            return self._object(expected)
        if isinstance(expected, str):
            return _is_text(expected, fold_case=fold_case)
        if isinstance(expected, bool):
            return lambda actual: actual is not None and is_truthy(actual) is expected
        if isinstance(expected, int | float):
            return lambda actual: to_number(actual) == expected
        if expected is None:
            return lambda actual: actual is None
        return lambda actual: same(actual, expected)

    def _object(self, expected: Mapping[Any, Any]) -> Test:
        names = [str(name) for name in expected]
        if not names or not all(name.startswith("$") for name in names):
            return lambda actual: same(actual, expected)
        if self._depth > DEEPEST:
            return never
        inner = _Builder(self._groups, self._depth + 1)
        return all_of(
            [
                OPERATORS[name](part, inner) if name in OPERATORS else never
                for name, part in zip(names, expected.values(), strict=True)
            ]
        )


def _is_text(expected: str, *, fold_case: bool) -> Test:
    if fold_case:
        folded = expected.lower()
        return lambda actual: (scalar_text(actual) or "").lower() == folded

    def test(actual: Any) -> bool:
        if type(actual) is str:
            return actual == expected
        return scalar_text(actual) == expected

    return test


def _has_text(name: str, expected: str) -> Test:
    """The commonest condition, such as {"role": "seller"}, in one step instead of two."""

    def test(actual: Any) -> bool:
        # A dict is quicker asked than any kind of mapping.
        value = actual.get(name) if isinstance(actual, dict) else step_into(actual, name)
        return value == expected if type(value) is str else scalar_text(value) == expected

    return test


def _at_path(path: str, test: Test) -> Test:
    """A test of the value at a dotted path, None when there is none."""
    if "." not in path:

        def plain(actual: Any) -> bool:
            if isinstance(actual, dict):  # quicker than to ask for any kind of mapping
                return test(actual.get(path))
            return test(step_into(actual, path))

        return plain
    names = path.split(".")

    def nested(actual: Any) -> bool:
        for name in names:
            actual = step_into(actual, name)
        return test(actual)

    return nested


def _and(builder: _Builder, parts: Any) -> Test:
    tests = builder.conditions(parts)
    return never if tests is None else all_of(tests)


def _or(builder: _Builder, parts: Any) -> Test:
    tests = builder.conditions(parts)
    if tests is None:
        return never
    return lambda actual: not tests or any(test(actual) for test in tests)


def _nor(builder: _Builder, parts: Any) -> Test:
    if not isinstance(parts, list | tuple):
        return never
    either = _or(builder, parts)
    return lambda actual: not either(actual)


def _not(builder: _Builder, part: Any) -> Test:
    if not isinstance(part, Mapping):
        return never
    test = builder.condition(part)
    return lambda actual: not test(actual)


_COMBINATIONS: Final[Mapping[str, Callable[[_Builder, Any], Test]]] = {
    "$and": _and,
    "$or": _or,
    "$nor": _nor,
    "$not": _not,
}
