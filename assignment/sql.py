"""The bucket function as a DuckDB expression, equal to `build_hasher` to the bit."""

from typing import Final

from .errors import AssignmentError
from .hashing import BUCKETS_V1, BUCKETS_V2, OFFSET, PRIME, fnv1a_32

_UNITS: Final = (
    "flatten(list_transform(list_transform(range(1, length({text}) + 1),"
    " lambda position: unicode(substring({text}, position, 1))),"
    " lambda sign: CASE WHEN sign > 65535"
    " THEN [55296 + ((sign - 65536) >> 10), 56320 + ((sign - 65536) & 1023)]"
    " ELSE [sign] END))"
)
"""A text's UTF-16 code units: signs beyond the first plane are two."""

_HASH: Final = (
    f"list_reduce({{units}}, lambda state, unit:"
    f" xor(state, unit::UBIGINT) * {PRIME} % {2**32}, {{start}}::UBIGINT)"
)


def place_sql(text: str, seed: str, version: int = 2) -> str:
    """An expression for the place in [0, 1) of a text column, for one seed.

    Args:
        text: an SQL expression of a text without nulls, such as ``learner``; written as it is,
            so quote a column's name yourself.
        seed: the experiment's seed; it enters as numbers only.
        version: the hash version, 1 or 2.

    Raises:
        AssignmentError: there is no such version.

    Example:
        >>> "learner" in place_sql("learner", "reward-ladder")
        True
    """
    if version == 1:
        seed_units = [int(unit) for unit in memoryview(_utf16(seed)).cast("H")]
        units = f"list_concat({_UNITS.format(text=text)}, {seed_units}::BIGINT[])"
        return f"({_HASH.format(units=units, start=OFFSET)} % {BUCKETS_V1} / {BUCKETS_V1}::DOUBLE)"
    if version != 2:
        raise AssignmentError(f"version: found {version!r}; expected 1 or 2, such as 2")
    first = _HASH.format(units=_UNITS.format(text=text), start=fnv1a_32(seed))
    second = _HASH.format(units=_UNITS.format(text=f"({first})::VARCHAR"), start=OFFSET)
    return f"({second} % {BUCKETS_V2} / {BUCKETS_V2}::DOUBLE)"


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")
