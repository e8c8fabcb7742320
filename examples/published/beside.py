"""Beside: one figure of ours and the one in print, and how near they have to be."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Beside:
    """A published figure, ours, and what difference is allowed for."""

    what: str
    ours: float
    published: float
    tolerance: float  # because of rounding in print, or of their simulation
    source: str

    @property
    def agrees(self) -> bool:
        """Whether ours is within the tolerance."""
        return abs(self.ours - self.published) <= self.tolerance


def table(title: str, rows: Iterable[Beside]) -> str:
    """The figures side by side, as text."""
    lines = [title, f"{'':46}{'ours':>12}{'published':>12}{'within':>10}"]
    for row in rows:
        mark = "" if row.agrees else "   DIFFERS"
        lines.append(
            f"{row.what:<46}{row.ours:>12.4f}{row.published:>12.4f}{row.tolerance:>10g}{mark}"
        )
        lines.append(f"    {row.source}")
    return "\n".join(lines)
