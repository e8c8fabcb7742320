"""What a validation says of a source, and how bad it is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from analysis.warehouse.connect import WarehouseError

Severity = Literal["error", "warning", "note"]
ORDER: Final[dict[Severity, int]] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Finding:
    """One thing that a validation found.

    Attributes:
        code: what, for programs: a row of docs/howto/warehouse.md.
        severity: an error makes a readout fail or wrong, a warning may make it wrong, a note tells.
        field: of the mapping, as a JSON path; empty: the whole source.
        sentence: what was found, with its numbers.
        remedy: what to do about it; empty for a note that needs nothing.
    """

    code: str
    severity: Severity
    field: str
    sentence: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        return asdict(self)


def from_error(error: WarehouseError) -> Finding:
    """An error of reading as a finding."""
    return Finding(error.code, "error", error.field, error.sentence, error.remedy)


def by_severity(findings: Sequence[Finding]) -> list[Finding]:
    """The worst first."""
    return sorted(findings, key=lambda each: ORDER[each.severity])
