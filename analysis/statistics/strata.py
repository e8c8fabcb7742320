"""Strata: the moments of a variant's units, kept apart by what was known before assignment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from .moments import Moments


@dataclass(frozen=True, eq=False)
class Strata(Moments):
    """Moments of all units, and of each stratum; who needs no strata sees moments."""

    parts: Mapping[str, Moments] = field(default_factory=dict)

    @classmethod
    def of_parts(cls, columns: tuple[str, ...], parts: Mapping[str, Moments]) -> "Strata":
        """The strata with their total."""
        total = reduce(add, parts.values(), Moments.empty(columns))
        return cls(columns, total.n, total.mean, total.m2, dict(parts))

    def __add__(self, other: Moments) -> Moments:
        """Both sets of units, stratum by stratum when both are kept apart.

        Raises:
            ValueError: the two describe different columns.
        """
        if not isinstance(other, Strata):
            return super().__add__(other)
        nobody = Moments.empty(self.columns)
        names = sorted({*self.parts, *other.parts})
        return Strata.of_parts(
            self.columns,
            {name: self.parts.get(name, nobody) + other.parts.get(name, nobody) for name in names},
        )
