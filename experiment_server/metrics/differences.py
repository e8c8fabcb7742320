"""What changed from one version of a metric to another, in words. Pure."""

from collections.abc import Mapping
from typing import Any, Final

NAMES: Final = {
    "title": "title",
    "description": "description",
    "kind": "kind",
    "event_kinds": "events",
    "denominator_kinds": "events below the line",
    "quantile": "quantile",
    "direction": "better direction",
    "window_days": "window in days",
    "minimum_effect": "smallest effect that matters",
    "floor": "floor",
    "cap": "cap",
    "cap_quantile": "cap's quantile",
    "covariate": "covariate",
    "unit_label": "unit",
}
MEANING: Final = frozenset(NAMES) - {"title", "description", "unit_label"}
"""What changes the numbers, or how they are judged."""


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """A sentence for each field that differs; []: none does."""
    return [
        _sentence(name, before.get(field), after.get(field))
        for field, name in NAMES.items()
        if before.get(field) != after.get(field)
    ]


def changes_numbers(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether effects of the two versions are not effects on the same thing."""
    return any(before.get(field) != after.get(field) for field in MEANING)


def _sentence(name: str, before: Any, after: Any) -> str:
    if isinstance(before, list) and isinstance(after, list):
        return _listed(name, before, after)
    if _is_nothing(before):
        return f"The {name} is now {_shown(after)}; there was none."
    if _is_nothing(after):
        return f"The {name} was {_shown(before)}; there is none now."
    return f"The {name} went from {_shown(before)} to {_shown(after)}."


def _listed(name: str, before: list[Any], after: list[Any]) -> str:
    gone = [str(each) for each in before if each not in after]
    new = [str(each) for each in after if each not in before]
    parts = [
        f"{verb} {', '.join(names)}" for verb, names in (("without", gone), ("with", new)) if names
    ]
    return f"The {name} are now {' and '.join(parts) or 'in another order'}."


def _is_nothing(value: Any) -> bool:
    return value is None or value == ""


def _shown(value: Any) -> str:
    if isinstance(value, float | int):
        return f"{value:g}"
    return f'"{value}"'
