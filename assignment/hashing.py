"""Unit to a number between 0 and 1, the same in every GrowthBook-compatible SDK.

FNV-1a with 32 bits over UTF-16 code units, as JavaScript sees a text. Version 2 hashes twice into
10,000 buckets; version 1 has 1,000 and a known bias between parallel experiments, and is kept for
namespaces, where the specification asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64  # a machine word where the engine is compiled, else an int

OFFSET: Final = 0x811C9DC5
PRIME: Final = 0x01000193
MASK: Final = 0xFFFFFFFF
BUCKETS_V1: Final = 1_000
BUCKETS_V2: Final = 10_000

Hasher = Callable[[str], float]
"""A unit's id to its place in [0, 1)."""


def _continue(units: bytes, start: int) -> int:
    state: i64 = start
    for unit in units:
        state = (state ^ unit) * PRIME & MASK
    return state


def fnv1a_32(text: str, state: int = OFFSET) -> int:
    """The 32-bit FNV-1a hash of a text, continued from an earlier state.

    Example:
        >>> fnv1a_32("a") == 0xE40C292C
        True
    """
    if text.isascii():
        return _continue(text.encode(), state)
    units = text.encode("utf-16-le", "surrogatepass")
    for low, high in zip(units[::2], units[1::2], strict=True):
        state = (state ^ (high << 8 | low)) * PRIME & MASK
    return state


def build_hasher(seed: str, version: int) -> Hasher | None:
    """A function from a unit's id to [0, 1) for one seed; None for a version that does not exist.

    Example:
        >>> build_hasher("seed", 2)("a")
        0.0505
    """
    if version == 1:
        return lambda value: fnv1a_32(seed, fnv1a_32(value)) % BUCKETS_V1 / BUCKETS_V1
    if version == 2:
        return _hasher_v2(seed)
    return None


def _hasher_v2(seed: str) -> Hasher:
    seeded = fnv1a_32(seed)  # a hash is continued, so the seed's part is paid for once

    def place(value: str) -> float:
        first = fnv1a_32(value, seeded)
        return _continue(str(first).encode(), OFFSET) % BUCKETS_V2 / BUCKETS_V2

    return place
