"""Many units at once: an array of ids to variants, equal to `evaluate` to the bit. Needs numpy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .errors import AssignmentError
from .hashing import BUCKETS_V1, BUCKETS_V2, OFFSET, PRIME, fnv1a_32
from .rules import LONGEST_UNIT, ExperimentRule, Payload, unit_of

if TYPE_CHECKING:
    import numpy as np

CHUNK: Final = 16_384
"""Units hashed together: their states then fit into a core's own cache."""

LARGEST_OF_TWO_BYTES: Final = 0xFFFF
MOST_DIGITS: Final = 10
OUTSIDE: Final = -1


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

    What cannot be seen from an id is taken as met: the experiment's condition and prerequisites.
    Leave out beforehand the learners whom they leave out.

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

    rule = _experiment_of(payload, key)
    texts = _texts(ids)
    codes = _choose(_places(texts, rule.seed, rule.hash_version), rule.ranges)
    for number in rule.passes_through:
        codes[codes == number] = OUTSIDE
    for ring in rule.filters:
        in_ring = _choose(_places(texts, ring.seed, ring.hash_version), ring.ranges)
        codes[in_ring < 0] = OUTSIDE
    lengths = texts.lengths
    codes[(lengths == 0) | (lengths > LONGEST_UNIT)] = OUTSIDE
    return Assigned(np.asarray(codes), tuple(str(answer.variant) for answer in rule.answers))


def places(ids: Any, seed: str, version: int = 2) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Each unit's place in [0, 1) for one seed, as `build_hasher` gives it.

    Example:
        >>> places(["a", "b"], "seed").tolist()
        [0.0505, 0.2696]
    """
    found: np.ndarray[Any, np.dtype[np.float64]] = _places(_texts(ids), seed, version)
    return found


def _experiment_of(payload: Payload, key: str) -> ExperimentRule:
    flag = payload.flags.get(key)
    rules = [rule for rule in flag.rules if isinstance(rule, ExperimentRule)] if flag else []
    if len(rules) != 1:
        raise AssignmentError(
            f"key: found {key!r} with {len(rules)} experiments; expected the key of one experiment"
        )
    rule = rules[0]
    foreign = [r.attribute for r in rule.filters if r.attribute not in (None, rule.attribute)]
    if foreign:
        raise AssignmentError(
            f"{key}: its ring is of the attribute {foreign[0]!r}; expected {rule.attribute!r},"
            f" because only that attribute's ids are at hand"
        )
    return rule


class _Texts:
    """Texts as columns of UTF-16 code units: the units at one position of many texts."""

    def __init__(self, lengths: Any, units: Any, scalar: dict[int, str]) -> None:
        self.lengths = lengths
        self.units = units  # (position, from, to) -> the units there
        self.scalar = scalar  # texts that have no such columns, by their row


def _texts(ids: Any) -> _Texts:
    import numpy as np

    if hasattr(ids, "combine_chunks"):  # Arrow's chunked array
        ids = ids.combine_chunks()
    if hasattr(ids, "buffers"):
        return _texts_of_arrow(ids)
    if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "Uiu":
        return _texts_of_sequence(list(ids))
    if ids.dtype.kind != "U":
        return _texts_of_array(np.where(ids == 0, "", ids.astype(str)))
    return _texts_of_array(ids)


def _texts_of_sequence(ids: Sequence[Any]) -> _Texts:
    import numpy as np

    units = [unit_of({"id": one}, "id") for one in ids]
    texts = _texts_of_array(np.array(units, dtype=str))
    ends = {row: unit for row, unit in enumerate(units) if unit.endswith("\0")}
    for row, unit in ends.items():  # numpy takes a text's last zeros for padding
        texts.lengths[row] = len(unit)
    texts.scalar.update(ends)
    return texts


def _texts_of_array(ids: Any) -> _Texts:
    import numpy as np

    ids = np.ascontiguousarray(ids)
    signs = ids.view(np.uint32).reshape(len(ids), ids.itemsize // 4)
    beyond = np.flatnonzero((signs > LARGEST_OF_TWO_BYTES).any(axis=1))
    return _Texts(
        lengths=np.strings.str_len(ids),
        units=lambda position, start, end: signs[start:end, position],
        scalar={int(row): str(ids[row]) for row in beyond},
    )


def _texts_of_arrow(ids: Any) -> _Texts:
    """Straight from Arrow's memory when all is ASCII, by way of Python's texts when not."""
    import numpy as np

    if str(ids.type) != "string" or ids.null_count:
        return _texts_of_sequence(ids.to_pylist())
    _, offsets, data = ids.buffers()
    edges = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    signs = np.frombuffer(data or b"\0", np.uint8)
    if len(ids) == 0 or signs[edges[0] : edges[-1]].max(initial=0) > 127:
        return _texts_of_sequence(ids.to_pylist())
    starts = edges[:-1].astype(np.int64)
    return _Texts(
        lengths=np.diff(edges),
        units=lambda position, start, end: signs[
            np.minimum(starts[start:end] + position, len(signs) - 1)
        ],
        scalar={},
    )


def _places(texts: _Texts, seed: str, version: int) -> Any:
    import numpy as np

    if version not in (1, 2):
        return np.full(len(texts.lengths), -1.0)  # outside every range, as in `evaluate`
    start = OFFSET if version == 1 else fnv1a_32(seed)
    buckets = BUCKETS_V1 if version == 1 else BUCKETS_V2
    found = np.empty(len(texts.lengths))
    for first, last in _chunks(len(found)):
        state = _hash(texts, first, last, start)
        for row in [row for row in texts.scalar if first <= row < last]:
            state[row - first] = fnv1a_32(texts.scalar[row], start)
        state = _continue(state, seed) if version == 1 else _hash_digits(state)
        np.divide(state % np.uint32(buckets), buckets, out=found[first:last])
    return found


def _chunks(n: int) -> Iterator[tuple[int, int]]:
    return ((first, min(first + CHUNK, n)) for first in range(0, n, CHUNK))


def _hash(texts: _Texts, first: int, last: int, start: int) -> Any:
    import numpy as np

    lengths = texts.lengths[first:last]
    state = np.full(last - first, start, np.uint32)
    shortest = int(lengths.min())
    for position in range(min(int(lengths.max()), LONGEST_UNIT)):
        unit = texts.units(position, first, last)
        after = (state ^ unit) * np.uint32(PRIME)
        state = after if position < shortest else np.where(lengths > position, after, state)
    return state


def _continue(state: Any, text: str) -> Any:
    import numpy as np

    for unit in memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H"):
        state = (state ^ np.uint32(unit)) * np.uint32(PRIME)
    return state


def _hash_digits(number: Any) -> Any:
    """The hash of each number's decimal digits."""
    import numpy as np

    state = np.full(len(number), OFFSET, np.uint32)
    for power in reversed(range(MOST_DIGITS)):
        left = number // np.uint32(10**power)
        after = (state ^ (left % np.uint32(10) + np.uint32(48))) * np.uint32(PRIME)
        state = after if power == 0 else np.where(left > 0, after, state)
    return state


def _choose(place: Any, ranges: Sequence[tuple[float, float]]) -> Any:
    import numpy as np

    codes = np.full(len(place), OUTSIDE, np.int16)
    for number, (low, high) in reversed(list(enumerate(ranges))):  # the first that fits stays
        codes[(low <= place) & (place < high)] = number
    return codes
