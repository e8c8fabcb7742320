"""Evaluation: the answer for one flag and one unit, with its reason."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from .values import is_truthy

Reason = Literal[
    "targeting_match",
    "split",
    "forced",
    "preview",
    "held_out",
    "paused",
    "kept",
    "shipped",
    "reverted",
    "default",
    "off",
    "unknown_flag",
    "not_targeted",
    "not_covered",
    "no_unit",
    "prerequisite",
    "circular_prerequisite",
    "error",
]
"""Why an evaluation came out as it did.

- targeting_match: a rule's condition (and coverage) held; its value applies.
- split: the unit's hash chose a variant; the unit is in the experiment.
- forced: the unit was put into this variant by hand; it is not in the experiment.
- preview: the learner looks at this variant before others do; it is not in the experiment.
- held_out: a holdout keeps the unit out of the experiment; the control applies.
- paused: the experiment is paused; the control applies to everybody.
- kept: the experiment is over, and its units keep their variants.
- shipped: the experiment is over, and everybody has this variant.
- reverted: the experiment is over, and everybody has the control.
- default: the flag has no rules; its default value applies.
- off: the flag is switched off in this environment.
- unknown_flag: no flag or running experiment has this key.
- not_targeted: no rule's condition held.
- not_covered: targeted, but outside the coverage or the namespace.
- no_unit: the attribute that is hashed (id or team) is missing.
- prerequisite: another flag that must hold first does not.
- circular_prerequisite: flags that wait for each other; nothing can be said.
- error: the definition cannot be evaluated; the default applies.
"""

REASONS: tuple[str, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a flag or an experiment says to one unit.

    Attributes:
        value: the flag's value, or the variant's payload.
        variant: the variant's key; None for a flag without variants.
        reason: one word of REASONS.
        rule: the index of the rule that decided, -1 when none did.
        in_experiment: whether the unit was randomised and its exposure counts.
        experiment: the experiment's key; None for a flag.
        unit_attribute: the attribute that was hashed.
        phase: the experiment's phase, so that an exposure is logged again in the next one.
    """

    value: Any
    variant: str | None
    reason: Reason
    rule: int = -1
    in_experiment: bool = False
    experiment: str | None = None
    unit_attribute: str = "id"
    phase: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy or a pickle is made anew: a frozen value lets nobody set its fields."""
        return Evaluation, (
            self.value,
            self.variant,
            self.reason,
            self.rule,
            self.in_experiment,
            self.experiment,
            self.unit_attribute,
            self.phase,
        )

    @property
    def is_on(self) -> bool:
        """Whether the value counts as on: not null, false, "" or 0."""
        return is_truthy(self.value)
