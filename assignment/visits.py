"""What an evaluation may depend on besides attributes: forced variants, a page, a memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from .bucketing import choose
from .evaluation import Evaluation, Reason
from .rules import Attributes, ExperimentRule, unit_of
from .sticky import NOTHING, Assignments, StickyStore, is_blocked, slot


@dataclass(frozen=True, slots=True)
class Visit:
    """One occasion on which flags are evaluated.

    Attributes:
        forced: for testers, an experiment's key to a variant's key or number.
        url: the page's address; ``?reward-ladder=1`` forces variant number 1.
        sticky: remembers variants; None evaluates by hash alone.
        experiments_on: False puts nobody into an experiment.
        testing: True keeps everybody out who is not forced, and remembers nothing.
    """

    forced: Mapping[str, int | str] = field(default_factory=lambda: MappingProxyType({}))
    url: str = ""
    sticky: StickyStore | None = None
    experiments_on: bool = True
    testing: bool = False


def decide_on_visit(
    rule: ExperimentRule, attributes: Attributes, visit: Visit
) -> Evaluation | Reason:
    """The unit's variant on this visit, or why it is not in the experiment."""
    is_open = visit.experiments_on and len(rule.answers) > 1
    if not is_open or not _in_rings(rule, attributes, "", of_namespace=False):
        return "not_covered"
    chosen = _forced(rule, visit)
    if chosen is not None:
        exists = 0 <= chosen < len(rule.answers) and chosen not in rule.passes_through
        return _by_hand(rule.answers[chosen]) if exists else "not_covered"
    store = visit.sticky if rule.remembers else None
    attribute, unit = whom_to_hash(rule.attribute, rule.fallback if store else "", attributes)
    if not unit:
        return "no_unit"
    if store is None:
        decided = _by_hash(rule, attributes, unit, visit)
        passes = [rule.answers[number] for number in rule.passes_through]
        return "not_covered" if decided in passes else decided
    return _by_memory(rule, attributes, (attribute, unit), visit, store)


def whom_to_hash(attribute: str, fallback: str, attributes: Attributes) -> tuple[str, str]:
    """The attribute that is hashed, and its value: the fallback's when the first is missing."""
    unit = unit_of(attributes, attribute)
    if unit or not fallback:
        return attribute, unit
    return fallback, unit_of(attributes, fallback)


def _by_hand(answer: Evaluation) -> Evaluation:
    return replace(answer, reason="forced", in_experiment=False)


def _forced(rule: ExperimentRule, visit: Visit) -> int | None:
    """The number of the variant that is forced, -1 for one that does not exist, None for none."""
    experiment = rule.answers[0].experiment or ""
    if "?" in visit.url:
        number = _forced_by_page(experiment, visit.url, len(rule.answers))
        if number is not None:
            return number
    by_hand: Mapping[str, Any] = visit.forced  # what testers send may be anything
    forced = by_hand.get(experiment)
    if isinstance(forced, str):
        keys = [answer.variant for answer in rule.answers]
        return keys.index(forced) if forced in keys else -1
    return forced if forced is None or isinstance(forced, int) else -1


def _forced_by_page(experiment: str, url: str, n_variants: int) -> int | None:
    from urllib.parse import parse_qsl  # few hosts ask, and all others start sooner

    query = url.partition("#")[0].partition("?")[2]  # urlsplit would raise for some addresses
    for name, value in parse_qsl(query):
        if name == experiment:
            number = int(value[:9]) if value.isascii() and value.isdigit() else n_variants
            return number if number < n_variants else None
    return None


def _in_rings(
    rule: ExperimentRule, attributes: Attributes, unit: str, *, of_namespace: bool
) -> bool:
    """Whether the unit is in the experiment's namespace, or else in all of its filters."""
    for ring in rule.filters:
        if (ring.attribute is None) is of_namespace:
            of_ring = unit_of(attributes, ring.attribute) if ring.attribute else unit
            if not of_ring or not ring.admits(of_ring):
                return False
    return True


def _by_hash(
    rule: ExperimentRule, attributes: Attributes, unit: str, visit: Visit
) -> Evaluation | Reason:
    if rule.targets is not None and not rule.targets(attributes):
        return "not_targeted"
    if rule.place is None or not _in_rings(rule, attributes, unit, of_namespace=True):
        return "not_covered"
    chosen = choose(rule.place(unit), rule.ranges)
    if chosen < 0 or visit.testing:
        return "not_covered"
    return rule.answers[chosen]


def _by_memory(
    rule: ExperimentRule,
    attributes: Attributes,
    who: tuple[str, str],
    visit: Visit,
    store: StickyStore,
) -> Evaluation | Reason:
    """The variant that is remembered, or else the hash's, which is remembered from now on."""
    experiment = rule.answers[0].experiment or ""
    remembered = _remembered(rule, attributes, store)
    if rule.place is None or is_blocked(experiment, rule.min_bucket_version, remembered):
        return "not_covered"
    here = slot(experiment, rule.bucket_version)
    keys = [answer.variant for answer in rule.answers]
    kept = remembered.get(here)
    decided: Evaluation | Reason = "not_covered"
    if kept not in keys:
        decided = _by_hash(rule, attributes, who[1], visit)
    elif not visit.testing:
        decided = rule.answers[keys.index(kept)]
    if not isinstance(decided, Evaluation):
        return decided
    own = store.get(*who)
    if own.get(here) != decided.variant:
        store.save(*who, {**own, here: str(decided.variant)})
    if keys.index(decided.variant) in rule.passes_through:
        return "not_covered"
    return decided if who[0] == rule.attribute else replace(decided, unit_attribute=who[0])


def _remembered(rule: ExperimentRule, attributes: Attributes, store: StickyStore) -> Assignments:
    """What is known of the unit by its fallback attribute and, above that, by its own."""
    known: Assignments = NOTHING
    for attribute in (rule.fallback, rule.attribute):
        unit = unit_of(attributes, attribute) if attribute else ""
        if unit:
            known = {**known, **store.get(attribute, unit)}
    return known
