"""What the server says of a feature beyond GrowthBook's words: whose it is, and where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from .evaluation import REASONS, Evaluation, Reason
from .values import text_or

GIVEN: Final[frozenset[str]] = frozenset({"forced", "preview", "held_out", "kept", "shipped"})
"""What a rule of an experiment's feature may say it is for; such a rule names a variant."""

STANDINGS: Final[Mapping[str, Reason]] = {
    "draft": "unknown_flag",
    "paused": "paused",
    "reverted": "reverted",
}
"""Where an experiment stands that randomises nobody: why its control, or nothing, applies."""

OUTSIDE: Final = frozenset({"default", "not_targeted", "not_covered", "no_unit"})

VALUELESS: Final = frozenset({"prerequisite", "circular_prerequisite"})
"""Reasons after which a flag has no value, as the specification says."""


@dataclass(frozen=True, slots=True)
class About:
    """What our server says of a feature beyond the GrowthBook payload."""

    is_experiment: bool
    control: str | None
    unit_kind: str
    enabled: bool
    standing: Reason | None

    @classmethod
    def of(cls, feature: Mapping[str, Any]) -> "About":
        """What the feature says; a payload from elsewhere says nothing."""
        about = feature.get("momentum")
        about = about if isinstance(about, Mapping) else {}
        return cls(
            is_experiment=about.get("experiment") is True,
            control=text_or(about.get("control"), None),
            unit_kind="team" if about.get("unit_kind") == "team" else "learner",
            enabled=about.get("enabled") is not False,
            standing=STANDINGS.get(text_or(about.get("state"), "")),
        )


def build_answers(key: str, default: Any, about: About) -> Mapping[Reason, Evaluation]:
    """What applies when no rule decided: one answer for each reason, made once."""
    names: tuple[Any, ...] = REASONS
    answers = {
        reason: Evaluation(
            value=None if reason in VALUELESS else default,
            variant=about.control if about.is_experiment else None,
            reason=reason,
            experiment=key if about.is_experiment else None,
            unit_attribute="team" if about.unit_kind == "team" else "id",
        )
        for reason in names
    }
    if about.standing == "unknown_flag":
        outside = Evaluation(None, None, "unknown_flag")
    elif about.standing is not None:
        outside = answers[about.standing]
    else:
        return MappingProxyType(answers)
    return MappingProxyType(
        {reason: outside if reason in OUTSIDE else answers[reason] for reason in names}
    )


def read_marker(about: Any) -> tuple[str | None, Reason, str]:
    """The variant that a rule gives, why, and the holdout that it is for."""
    about = about if isinstance(about, Mapping) else {}
    forced = text_or(about.get("forced_variant"), None)
    if forced is not None:
        return forced, "forced", ""
    variant, reason = text_or(about.get("variant"), None), about.get("reason")
    if variant is None or not isinstance(reason, str) or reason not in GIVEN:
        return None, "targeting_match", ""
    given: Any = reason
    return variant, given, text_or(about.get("holdout"), "")
