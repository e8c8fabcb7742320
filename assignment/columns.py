"""Ids as columns: an array of texts or numbers, hashed all at once. Needs numpy."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from .bucketing import Range
from .hashing import BUCKETS_V1, BUCKETS_V2, OFFSET, PRIME, fnv1a_32
from .rules import LONGEST_UNIT, unit_of

CHUNK: Final = 16_384
"""Units hashed together: their states then fit into a core's own cache."""

LARGEST_OF_TWO_BYTES: Final = 0xFFFF
MOST_DIGITS: Final = 10
OUTSIDE: Final = -1


class Ids:
    """Ids as texts in columns of UTF-16 code units: the units at one position of many texts."""

    def __init__(
        self, lengths: Any, units: Any, scalar: dict[int, str], given: Callable[[int], Any]
    ) -> None:
        self.lengths = lengths
        self.units = units  # (position, from, to) -> the units there
        self.scalar = scalar  # texts that have no such columns, by their row
        self.given = given  # a row -> the id there, as a host would hand it to `evaluate`

    @property
    def are_units(self) -> Any:
        """Where there is an id that can be hashed."""
        return (self.lengths > 0) & (self.lengths <= LONGEST_UNIT)

    def places(self, seed: str, version: int) -> Any:
        """Each unit's place in [0, 1) for one seed, as `build_hasher` gives it."""
        import numpy as np

        if version not in (1, 2):
            return np.full(len(self.lengths), -1.0)  # outside every range, as in `evaluate`
        buckets = BUCKETS_V1 if version == 1 else BUCKETS_V2
        found = np.empty(len(self.lengths))
        for first, state in self._states(OFFSET if version == 1 else fnv1a_32(seed)):
            whole = _continue(state, seed) if version == 1 else _hash_digits(state)
            np.divide(whole % np.uint32(buckets), buckets, out=found[first : first + len(whole)])
        return found

    def hashes(self) -> Any:
        """Each text's own hash: equal texts have equal ones."""
        import numpy as np

        states = [state for _first, state in self._states(OFFSET)]
        return np.concatenate(states) if states else np.empty(0, np.uint32)

    def _states(self, start: int) -> Iterator[tuple[int, Any]]:
        """Chunk by chunk: its first row, and its texts' hashes continued from an earlier state."""
        for first in range(0, len(self.lengths), CHUNK):
            last = min(first + CHUNK, len(self.lengths))
            state = _hash(self, first, last, start)
            for row in [row for row in self.scalar if first <= row < last]:
                state[row - first] = fnv1a_32(self.scalar[row], start)
            yield first, state


def read_ids(ids: Any) -> Ids:
    """The ids of a numpy or Arrow array, or of a sequence."""
    import numpy as np

    if hasattr(ids, "combine_chunks"):  # Arrow's chunked array
        ids = ids.combine_chunks()
    if hasattr(ids, "buffers"):
        return _ids_of_arrow(ids)
    if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "Uiu":
        return _ids_of_sequence(list(ids))
    if ids.dtype.kind != "U":
        texts = np.where(ids == 0, "", ids.astype(str))
        return _ids_of_array(texts, lambda row: ids[row].item())
    return _ids_of_array(ids, lambda row: str(ids[row]))


def _ids_of_sequence(ids: Sequence[Any]) -> Ids:
    import numpy as np

    units = [unit_of({"id": one}, "id") for one in ids]
    texts = _ids_of_array(np.array(units, dtype=str), lambda row: ids[row])
    ends = {row: unit for row, unit in enumerate(units) if unit.endswith("\0")}
    for row, unit in ends.items():  # numpy takes a text's last zeros for padding
        texts.lengths[row] = len(unit)
    texts.scalar.update(ends)
    return texts


def _ids_of_array(ids: Any, given: Callable[[int], Any]) -> Ids:
    import numpy as np

    ids = np.ascontiguousarray(ids)
    signs = ids.view(np.uint32).reshape(len(ids), ids.itemsize // 4)
    beyond = np.flatnonzero((signs > LARGEST_OF_TWO_BYTES).any(axis=1))
    return Ids(
        lengths=np.strings.str_len(ids),
        units=lambda position, start, end: signs[start:end, position],
        scalar={int(row): str(ids[row]) for row in beyond},
        given=given,
    )


def _ids_of_arrow(ids: Any) -> Ids:
    """Straight from Arrow's memory when all is ASCII, by way of Python's texts when not."""
    import numpy as np

    if str(ids.type) != "string" or ids.null_count:
        return _ids_of_sequence(ids.to_pylist())
    _, offsets, data = ids.buffers()
    edges = np.frombuffer(offsets, np.int32)[ids.offset : ids.offset + len(ids) + 1]
    signs = np.frombuffer(data or b"\0", np.uint8)
    if len(ids) == 0 or signs[edges[0] : edges[-1]].max(initial=0) > 127:
        return _ids_of_sequence(ids.to_pylist())
    starts = edges[:-1].astype(np.int64)
    return Ids(
        lengths=np.diff(edges),
        units=lambda position, start, end: signs[
            np.minimum(starts[start:end] + position, len(signs) - 1)
        ],
        scalar={},
        given=lambda row: ids[row].as_py(),
    )


def _hash(ids: Ids, first: int, last: int, start: int) -> Any:
    import numpy as np

    lengths = ids.lengths[first:last]
    state = np.full(last - first, start, np.uint32)
    shortest = int(lengths.min())
    for position in range(min(int(lengths.max()), LONGEST_UNIT)):
        unit = ids.units(position, first, last)
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


def choose_all(place: Any, ranges: Sequence[Range]) -> Any:
    """For each place the number of the first range that holds it, or -1."""
    import numpy as np

    codes = np.full(len(place), OUTSIDE, np.int16)
    for number, (low, high) in reversed(list(enumerate(ranges))):  # the first that fits stays
        codes[(low <= place) & (place < high)] = number
    return codes
