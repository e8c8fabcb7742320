"""A few rows of each table as a readout would see them, for whoever writes a mapping."""

from collections.abc import Callable
from typing import Any, Final

from ibis.expr import types as ir

from analysis.warehouse import tables
from analysis.warehouse.connect import Connection, out_of_time
from analysis.warehouse.mapping import SourceMapping
from analysis.warehouse.tables import Reading

FEW: Final = 5
IDS: Final = ("learner", "unit", "event_id")

Mask = Callable[[str], str]


def preview(
    connection: Connection, mapping: SourceMapping, reading: Reading, mask: Mask
) -> dict[str, list[dict[str, Any]]]:
    """The first rows of each table in the shape of the lake's, ids masked, times as ISO text.

    Args:
        connection: an open warehouse.
        mapping: what its tables say.
        reading: the experiment that would read.
        mask: what is shown instead of an id.

    Raises:
        WarehouseError: the mapping does not fit a table, or the connection's time is up.
    """
    shown: dict[str, ir.Table] = {"events": tables.events(connection, mapping)}
    if mapping.exposures is not None:
        shown["exposures"] = tables.exposures(connection, mapping.exposures, reading)
    if mapping.learners is not None:
        shown["learners"] = tables.learners(connection, mapping)
    found = {}
    for name, table in shown.items():
        if connection.is_late:
            raise out_of_time()
        found[name] = [_plain(row, mask) for row in table.limit(FEW).to_pyarrow().to_pylist()]
    return found


def _plain(row: dict[str, Any], mask: Mask) -> dict[str, Any]:
    found = {}
    for name, value in row.items():
        if name == "event_id":
            continue
        if name in IDS and value is not None:
            value = mask(str(value))  # noqa: PLW2901
        found[name] = value.isoformat() if hasattr(value, "isoformat") else value
    return found
