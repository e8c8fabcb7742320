"""Stratified assignment: lists that are balanced within each stratum, made before the start.

A hash gives every unit the right chance, but few units an uneven split: of 40 teams, 25 may land in
one arm, and most of the large ones with them. Here units that are alike (a stratum: the same role,
region, size) are shared out in permuted blocks, so that each block holds every variant in exactly
the wanted proportion. What is left of the strata, less than one block each, is shared out in blocks
as well, so that the whole is balanced too.

Each unit's chance of a variant is the variant's weight, exactly as with a hash; only the lopsided
splits cannot happen. Nothing depends on the order in which the units come.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from math import lcm
from typing import Final

from .errors import AssignmentError

LARGEST_BLOCK: Final = 100
"""Beyond this, most strata do not fill one block, and nothing is gained."""

FINEST_WEIGHT: Final = 1_000
CLOSE: Final = 1e-9
POOL: Final = ("pool",)
SEPARATOR: Final = ", "

Stratum = tuple[tuple[str, str], ...]
"""What a unit's stratum is, as (name, value) pairs."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One unit's place on the lists.

    Attributes:
        unit: its id.
        stratum: such as "role=seller, region=emea"; "" when nothing was stratified by.
        variant: the key of the variant it is assigned to.
    """

    unit: str
    stratum: str
    variant: str


@dataclass(frozen=True, slots=True)
class Balance:
    """How one stratum was split.

    Attributes:
        stratum: its name; "" for all units together.
        n_units: how many it has.
        counts: units of each variant.
        largest_gap: the largest distance, in units, of a variant's count from its exact share.
    """

    stratum: str
    n_units: int
    counts: Mapping[str, int]
    largest_gap: float


def assign_in_blocks(
    strata: Mapping[str, Stratum], weights: Mapping[str, float], seed: str
) -> list[Listed]:
    """The lists: every unit with its variant, sorted by unit.

    Args:
        strata: for each unit its stratum; an empty one when nothing is stratified by.
        weights: each variant's weight, whole numbers or shares, such as {"control": 1, "badge": 1}.
        seed: another seed makes another assignment; the same one makes the same.

    Raises:
        AssignmentError: weights that no block of 100 units or fewer can hold.

    Example:
        >>> lists = assign_in_blocks({"ann": (), "bob": ()}, {"control": 1, "badge": 1}, "spring")
        >>> sorted(one.variant for one in lists)
        ['badge', 'control']
    """
    block = block_of(weights)
    members: dict[Stratum, list[str]] = defaultdict(list)
    for unit, stratum in strata.items():
        members[stratum].append(unit)
    chosen: dict[str, str] = {}
    left_over: list[str] = []
    for stratum in sorted(members):
        units = _shuffled(members[stratum], (seed, *map("=".join, stratum)))
        whole = len(units) // len(block) * len(block)
        chosen |= _share_out(units[:whole], block, (seed, *map("=".join, stratum)))
        left_over += units[whole:]
    chosen |= _share_out(left_over, block, (seed, *POOL))
    return [Listed(unit, stratum_name(strata[unit]), chosen[unit]) for unit in sorted(strata)]


def block_of(weights: Mapping[str, float]) -> tuple[str, ...]:
    """The smallest block that holds every variant in exactly its proportion.

    Raises:
        AssignmentError: fewer than two variants, a weight that is not above 0, or weights that
            need a block above 100.

    Example:
        >>> block_of({"control": 0.25, "badge": 0.75})
        ('control', 'badge', 'badge', 'badge')
    """
    total = sum(weights.values())
    if len(weights) < 2 or not all(weight > 0 for weight in weights.values()):
        raise AssignmentError(
            f"weights: found {dict(weights)!r}; expected two variants or more, each with a weight"
            ' above 0, such as {"control": 1, "badge": 1}'
        )
    shares = {
        variant: Fraction(weight / total).limit_denominator(FINEST_WEIGHT)
        for variant, weight in weights.items()
    }
    size = lcm(*(share.denominator for share in shares.values()))
    off = max(abs(float(share) - weights[variant] / total) for variant, share in shares.items())
    if size > LARGEST_BLOCK or off > CLOSE or sum(shares.values()) != 1:
        raise AssignmentError(
            f"weights: found {dict(weights)!r}, which need a block of {size} units; expected a"
            f" ratio of small whole numbers (a block of at most {LARGEST_BLOCK}), such as 1 to 2"
        )
    return tuple(variant for variant, share in shares.items() for _ in range(int(share * size)))


def balance_of(lists: Sequence[Listed], weights: Mapping[str, float]) -> list[Balance]:
    """How each stratum was split, the whole ("") first, then by name."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    everybody: Counter[str] = Counter()
    for one in lists:
        everybody[one.variant] += 1
        if one.stratum:
            counts[one.stratum][one.variant] += 1
    rows = [("", everybody), *sorted(counts.items())]
    return [_balance(name, found, weights) for name, found in rows]


def stratum_name(stratum: Stratum) -> str:
    """A stratum in words.

    Example:
        >>> stratum_name((("role", "seller"), ("region", "emea")))
        'role=seller, region=emea'
    """
    return SEPARATOR.join(f"{name}={value}" for name, value in stratum)


def bin_edges(values: Sequence[float], n_bins: int) -> list[float]:
    """Where to cut numbers into bins of about equal size: the upper edges of all but the last.

    Example:
        >>> bin_edges([1, 2, 3, 4, 5, 6], 3)
        [2, 4]
    """
    ordered = sorted(values)
    if not ordered:
        return []
    cuts = [ordered[max(0, len(ordered) * k // n_bins - 1)] for k in range(1, n_bins)]
    return sorted(set(cuts) - {ordered[-1]})


def bin_name(value: float, edges: Sequence[float]) -> str:
    """The bin that a number falls into, in words.

    Example:
        >>> [bin_name(value, [2, 4]) for value in (2, 3, 9)]
        ['up to 2', 'above 2 to 4', 'above 4']
    """
    below = [edge for edge in edges if value > edge]
    above = [edge for edge in edges if value <= edge]
    if not below:
        return f"up to {above[0]:g}" if above else "any"
    return f"above {below[-1]:g} to {above[0]:g}" if above else f"above {below[-1]:g}"


def _share_out(
    units: Sequence[str], block: tuple[str, ...], seeds: tuple[str, ...]
) -> dict[str, str]:
    """The units in blocks, each block permuted anew; the last may be cut short."""
    size = len(block)
    chosen: dict[str, str] = {}
    for number, start in enumerate(range(0, len(units), size)):
        labels = [block[int(place)] for place in _shuffled(_places(size), (*seeds, str(number)))]
        chosen.update(zip(units[start : start + size], labels, strict=False))
    return chosen


def _places(size: int) -> list[str]:
    return [str(place) for place in range(size)]


def _shuffled(units: Sequence[str], seeds: tuple[str, ...]) -> list[str]:
    """In an order that the seeds alone decide."""
    salt = sha256("\0".join(seeds).encode("utf-8", "surrogatepass")).digest()
    return sorted(
        units, key=lambda unit: sha256(salt + unit.encode("utf-8", "surrogatepass")).digest()
    )


def _balance(name: str, counts: Mapping[str, int], weights: Mapping[str, float]) -> Balance:
    total, n_units = sum(weights.values()), sum(counts.values())
    found = {variant: counts.get(variant, 0) for variant in weights}
    gaps = [abs(found[each] - n_units * weights[each] / total) for each in weights]
    return Balance(name, n_units, found, max(gaps))
