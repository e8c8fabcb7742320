"""The rules of a flag, read and ready to be asked. Nothing here computes what could be prepared.

Nobody writes to a rule once it is read. Its class does not enforce that: to make frozen classes is
most of what it costs to import the engine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from .bucketing import Range, RingFilter, choose
from .evaluation import Evaluation, Reason
from .hashing import Hasher
from .values import Test, number_text

Attributes = Mapping[str, Any]

LONGEST_UNIT: Final = 256
"""Ids beyond this are refused: hashing a book for each decision would stall the host."""


@dataclass(slots=True, eq=False, repr=False)
class Prerequisite:
    """Another flag whose value must fit a condition first."""

    flag: str
    fits: Test  # of {"value": the other flag's value}
    is_gate: bool  # a gate that fails ends the evaluation; otherwise only this rule is skipped


@dataclass(slots=True, eq=False, repr=False)
class Rule:
    """What every rule may ask before it decides."""

    index: int
    targets: Test | None
    prerequisites: tuple[Prerequisite, ...]
    filters: tuple[RingFilter, ...]
    attribute: str  # the one that is hashed
    place: Hasher | None  # None: a hash version that does not exist, so nobody is covered
    seed: str
    hash_version: int
    fallback: str  # hashed instead when the attribute is missing and variants are remembered
    remembers: bool
    condition: Mapping[str, Any] | None  # as it was delivered, for explaining


@dataclass(slots=True, eq=False, repr=False)
class ForceRule(Rule):
    """Gives one value to whom it targets, or to a share of them."""

    answer: Evaluation
    covers: Callable[[float], bool] | None  # None: everybody
    holdout: str = ""  # the one that the rule keeps out for


@dataclass(slots=True, eq=False, repr=False)
class ExperimentRule(Rule):
    """Shares its units out among variants."""

    ranges: tuple[Range, ...]
    answers: tuple[Evaluation, ...]  # one for each variant
    passes_through: frozenset[int]  # variants of a holdout: the next rule decides
    bucket_version: int
    min_bucket_version: int


@dataclass(slots=True, eq=False, repr=False)
class Flag:
    """One flag or experiment: its rules in order, and what applies when none decides."""

    key: str
    rules: tuple[Rule, ...]
    answers: Mapping[Reason, Evaluation]  # when no rule decided, by why
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Payload:
    """All that an environment delivers, ready to be evaluated.

    Attributes:
        flags: by key.
        environment: the environment's key, "" when the payload does not say.
        version: counts the environment's changes; 0 when the payload does not say.
        broken: why a flag cannot be evaluated, by key; only after a lenient reading.
        groups: saved groups, which conditions name.
    """

    flags: Mapping[str, Flag]
    environment: str = ""
    version: int = 0
    broken: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    groups: Mapping[str, Sequence[Any]] = field(default_factory=lambda: MappingProxyType({}))


def unit_of(attributes: Attributes, attribute: str) -> str:
    """The unit's id as text; "" when it is missing or cannot be one."""
    unit = attributes.get(attribute)
    if type(unit) is str:
        return unit if len(unit) <= LONGEST_UNIT else ""
    if isinstance(unit, bool) or not isinstance(unit, int | float | str) or not unit:
        return ""
    text = str(unit) if isinstance(unit, str) else number_text(unit)
    is_endless = not isinstance(unit, str) and text.endswith(("Infinity", "NaN"))
    return "" if is_endless or len(text) > LONGEST_UNIT else text


def passes_filters(rule: Rule, attributes: Attributes) -> bool:
    """Whether the unit lies in each ring that the rule is limited to."""
    for ring in rule.filters:
        unit = unit_of(attributes, ring.attribute or rule.attribute)
        if not unit or not ring.admits(unit):
            return False
    return True


def decide_force(
    rule: ForceRule, attributes: Attributes, fallback: str = ""
) -> Evaluation | Reason:
    """The rule's value, or why it does not apply."""
    if rule.targets is not None and not rule.targets(attributes):
        return "not_targeted"
    if rule.filters and not passes_filters(rule, attributes):
        return "not_covered"
    if rule.covers is None:
        return rule.answer
    unit = unit_of(attributes, rule.attribute) or (fallback and unit_of(attributes, fallback))
    if not unit:
        return "no_unit"
    if rule.place is None or not rule.covers(rule.place(unit)):
        return "not_covered"
    return rule.answer


def decide_experiment(rule: ExperimentRule, attributes: Attributes) -> Evaluation | Reason:
    """The unit's variant, or why it is not in the experiment."""
    unit = unit_of(attributes, rule.attribute)
    if not unit:
        return "no_unit"
    if rule.targets is not None and not rule.targets(attributes):
        return "not_targeted"
    if rule.filters and not passes_filters(rule, attributes):
        return "not_covered"
    chosen = -1 if rule.place is None else choose(rule.place(unit), rule.ranges)
    if chosen < 0 or chosen in rule.passes_through:
        return "not_covered"
    return rule.answers[chosen]
