"""Batches: the moments of a variant's units, kept apart by batch, within which shares are fixed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from .moments import Moments


@dataclass(frozen=True, eq=False)
class Batches(Moments):
    """Moments of all units, and of each batch in order; who needs no batches sees moments."""

    parts: tuple[Moments, ...] = ()

    @classmethod
    def of_parts(cls, columns: tuple[str, ...], parts: Sequence[Moments]) -> "Batches":
        """The batches with their total."""
        total = reduce(add, parts, Moments.empty(columns))
        return cls(columns, total.n, total.mean, total.m2, tuple(parts))
