"""Many units at once: an array of ids to variants, equal to `evaluate` to the bit. Needs numpy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .columns import OUTSIDE, Ids, choose_all, read_ids
from .conditions import build_condition
from .errors import AssignmentError
from .hashing import BUCKETS_V1, BUCKETS_V2
from .rules import ExperimentRule, Flag, ForceRule, Payload, Rule
from .values import scalar_text

if TYPE_CHECKING:
    import numpy as np

Groups = Mapping[str, Sequence[Any]]

COMBINATIONS: Final = ("$and", "$or", "$nor", "$not")
MEMBERSHIPS: Final = ("$eq", "$in", "$inGroup")
EXPECTED: Final = "expected rules that an id alone decides"


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who got which variant.

    Attributes:
        codes: for each id the variant's number, -1 outside the experiment.
        variants: the variants' keys, by number.
    """

    codes: "np.ndarray[Any, np.dtype[np.int16]]"
    variants: tuple[str, ...]


def assign(payload: Payload, key: str, ids: Any) -> Assigned:
    """Each unit's variant of one experiment.

    Rules are asked in order, as `evaluate` asks them: units that are forced, that preview or that a
    holdout keeps out are outside; units on a list have the list's variant. What cannot be seen from
    an id is taken as met: the experiment's condition and prerequisites. Leave out beforehand the
    learners whom they leave out.

    Args:
        payload: the payload that `evaluate` would be given.
        key: the experiment's key.
        ids: a numpy array of texts or whole numbers, an Arrow array of texts, or a sequence.

    Raises:
        AssignmentError: there is no such experiment, or more than the id decides it.

    Example:
        >>> from assignment import parse_payload
        >>> rule = {"hashVersion": 2, "variations": [0, 1], "meta": [{"key": "a"}, {"key": "b"}]}
        >>> payload = parse_payload({"features": {"x": {"defaultValue": 0, "rules": [rule]}}})
        >>> assign(payload, "x", ["learner-1", "learner-2", "learner-3"]).codes.tolist()
        [0, 1, 0]
    """
    import numpy as np

    flag, experiments = _experiments_of(payload, key)
    walk = _Walk(key, experiments[0].attribute, payload.groups, read_ids(ids))
    codes = np.full(len(walk.open), OUTSIDE, np.int16)
    for rule in flag.rules[: flag.rules.index(experiments[-1]) + 1] if flag.enabled else ():
        if isinstance(rule, ExperimentRule):
            walk.share_out(rule, codes)
        elif isinstance(rule, ForceRule):
            walk.give(rule)
    return Assigned(codes, _variants_of(experiments[0]))


def places(ids: Any, seed: str, version: int = 2) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Each unit's place in [0, 1) for one seed, as `build_hasher` gives it.

    Example:
        >>> places(["a", "b"], "seed").tolist()
        [0.0505, 0.2696]
    """
    found: np.ndarray[Any, np.dtype[np.float64]] = read_ids(ids).places(seed, version)
    return found


def _experiments_of(payload: Payload, key: str) -> tuple[Flag, list[ExperimentRule]]:
    """The flag, and its experiment's rules: more than one when some units are on lists."""
    flag = payload.flags.get(key)
    rules = [rule for rule in flag.rules if isinstance(rule, ExperimentRule)] if flag else []
    named = {rule.answers[0].experiment if rule.answers else key for rule in rules}
    if flag is None or len(named) != 1:
        raise AssignmentError(
            f"key: found {key!r} with {len(named)} experiments; expected the key of one experiment"
        )
    for rule in rules:
        if (rule.attribute, _variants_of(rule)) != (rules[0].attribute, _variants_of(rules[0])):
            raise AssignmentError(
                f"{key}: rules {rules[0].index} and {rule.index} share out by other attributes or"
                f" among other variants; expected one unit and one list of variants"
            )
    return flag, rules


def _variants_of(rule: ExperimentRule) -> tuple[str, ...]:
    return tuple(str(answer.variant) for answer in rule.answers)


class _Walk:
    """Asks one rule after the other, for all units that none has decided yet."""

    def __init__(self, key: str, attribute: str, groups: Groups, ids: Ids) -> None:
        self._key = key
        self._attribute = attribute
        self._groups = groups
        self._ids = ids
        self._places: dict[tuple[str, int], Any] = {}
        self._hashes: Any = None
        self.open = ids.are_units  # who is no unit is outside, whatever a rule says

    def share_out(self, rule: ExperimentRule, codes: Any) -> None:
        """Write the variants of whom the rule takes in."""
        targeted, _others = self._targeted(rule)
        chosen = choose_all(self._place(rule.seed, rule.hash_version), rule.ranges)
        taken = targeted & self._admitted(rule) & (chosen >= 0)
        for number in rule.passes_through:
            taken &= chosen != number
        codes[taken] = chosen[taken]
        self.open &= ~taken

    def give(self, rule: ForceRule) -> None:
        """Leave those outside to whom the rule gives a value."""
        if rule.prerequisites:
            self._refuse(rule, f"waits for the flag {rule.prerequisites[0].flag!r}")
        targeted, others = self._targeted(rule)
        if others:
            self._refuse(rule, f"asks for the attribute {others[0]!r}")
        self.open &= ~(targeted & self._admitted(rule) & self._covered(rule))

    def _targeted(self, rule: Rule) -> tuple[Any, list[str]]:
        """Whom of the undecided the rule's condition on ids fits, and what else it asks for."""
        known, others = [], []
        for part in _conjuncts(rule.condition or {}):
            names = _attributes_in(part)
            if names <= {self._attribute}:
                known.append(part)
            elif self._attribute in names:
                self._refuse(rule, f"mixes {self._attribute!r} with other attributes: {part!r}")
            else:
                others += sorted(names)
        fits = self.open
        for part in known:
            fits = fits & self._fits(part, fits)
        return fits, others

    def _fits(self, part: Mapping[str, Any], asked: Any) -> Any:
        """Whom of those asked a condition on ids fits."""
        import numpy as np

        test = build_condition(part, self._groups)
        members = _members_in(part, self._groups)
        if members is not None:
            asked = asked & self._may_be(members)
        fits = np.zeros(len(asked), bool)
        for row in np.flatnonzero(asked):
            fits[row] = test({self._attribute: self._ids.given(int(row))})
        return fits

    def _may_be(self, members: Sequence[Any]) -> Any:
        """Who may be one of the members, by their hashes: few others are, and all are asked."""
        import numpy as np

        if self._hashes is None:
            self._hashes = self._ids.hashes()
        texts = [text for text in map(scalar_text, members) if text]
        return np.isin(self._hashes, read_ids(texts).hashes())

    def _admitted(self, rule: Rule) -> Any:
        """Who is on every ring that the rule is limited to."""
        admitted = self.open
        for ring in rule.filters:
            self._expect_own(rule, ring.attribute or rule.attribute)
            place = self._place(ring.seed, ring.hash_version)
            admitted = admitted & (choose_all(place, ring.ranges) >= 0)
        return admitted

    def _covered(self, rule: ForceRule) -> Any:
        if rule.covers is None:
            return self.open
        self._expect_own(rule, rule.attribute)
        if rule.place is None:
            return self.open & False
        place = self._place(rule.seed, rule.hash_version)
        return _at_each_place(rule.covers, place, rule.hash_version)

    def _place(self, seed: str, version: int) -> Any:
        ring = seed, version
        if ring not in self._places:
            self._places[ring] = self._ids.places(seed, version)
        return self._places[ring]

    def _expect_own(self, rule: Rule, attribute: str) -> None:
        if attribute != self._attribute:
            self._refuse(rule, f"hashes the attribute {attribute!r}")

    def _refuse(self, rule: Rule, why: str) -> None:
        raise AssignmentError(
            f"{self._key}: rule {rule.index} {why}; {EXPECTED} ({self._attribute!r})"
        )


def _conjuncts(condition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts of a condition that must all hold."""
    for name, part in condition.items():
        if name == "$and" and isinstance(part, list) and all(map(_is_object, part)):
            for inner in part:
                yield from _conjuncts(inner)
        else:
            yield {name: part}


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _attributes_in(condition: Any) -> set[str]:
    """The attributes that a condition asks for, by the first name of their paths."""
    if isinstance(condition, list | tuple):
        return set().union(*map(_attributes_in, condition))
    if not isinstance(condition, Mapping):
        return set()
    names: set[str] = set()
    for name, part in condition.items():
        names |= _attributes_in(part) if name in COMBINATIONS else {str(name).partition(".")[0]}
    return names


def _members_in(part: Mapping[str, Any], groups: Groups) -> Sequence[Any] | None:
    """The members when a condition says that an id is one of them, and no more."""
    ((name, wanted),) = part.items()
    if name in COMBINATIONS or "." in name:
        return None
    if not isinstance(wanted, Mapping):
        return [wanted] if isinstance(wanted, str) else None  # 5 fits "05" as well
    if len(wanted) != 1 or next(iter(wanted)) not in MEMBERSHIPS:
        return None
    ((operator, operand),) = wanted.items()
    if operator == "$inGroup":
        return groups.get(operand, ()) if isinstance(operand, str) else ()
    return [operand] if operator == "$eq" else operand if isinstance(operand, list) else None


def _at_each_place(covers: Callable[[float], bool], place: Any, version: int) -> Any:
    """Asks once for each place that there is, not for each unit."""
    import numpy as np

    buckets = BUCKETS_V1 if version == 1 else BUCKETS_V2
    table = np.array([covers(bucket / buckets) for bucket in range(buckets)])
    return table[np.rint(place * buckets).astype(np.intp)]
