"""Cap: one enormous outcome must not decide; means are winsorised, and people see where."""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis

from .request import TableError, TableRequest


@dataclass(frozen=True)
class Cap:
    """Where a column was capped."""

    at: float  # larger values count as this one
    n: int  # how many were larger


def capped(
    rows: ibis.Table, labels: Mapping[str, str], request: TableRequest
) -> tuple[ibis.Table, dict[str, str], dict[str, Cap]]:
    """The rows with capped columns beside the others, what they are called, and their caps.

    The quantile is that of ALL variants together: a cap of each variant's own would take a part of
    the effect away. Zeros and ones have nothing far out, and stay as they are.

    Args:
        rows: one row a unit.
        labels: the file's name of each number -> its column in ``rows``.
        request: which columns are means or covariates, and the quantile.

    Raises:
        TableError: the quantile is a column's least value, so that nothing would be left of it.
    """
    if request.cap is None:
        return rows, {}, {}
    means = [each.columns[0] for each in request.compared if each.kind == "mean"]
    names = {name: labels[name] for name in (*means, *request.covariates)}
    asked: dict[str, ibis.Value] = {}
    for label in names.values():
        value = rows[label]
        asked |= {
            f"{label}_at": value.quantile(request.cap),
            f"{label}_least": value.min(),
            f"{label}_is_share": value.isin([0.0, 1.0]).all(),
        }
    found = rows.aggregate(**asked).to_pyarrow().to_pylist()[0] if asked else {}
    limits = {
        name: float(found[f"{label}_at"])
        for name, label in names.items()
        if found[f"{label}_at"] is not None and not found[f"{label}_is_share"]
    }
    for name, at in limits.items():
        if at <= found[f"{names[name]}_least"]:
            raise TableError(
                f"--cap: {request.cap:g} of the values of {name} are {at:g}, its least one, so"
                " nothing would be left to compare; choose a quantile nearer 1, or leave it out"
            )
    within = {
        # Not the lesser of the two: it would take a missing value for the cap.
        f"{names[name]}_capped": (rows[names[name]] > at).ifelse(at, rows[names[name]])
        for name, at in limits.items()
    }
    above = {names[name]: (rows[names[name]] > at).sum() for name, at in limits.items()}
    counts = rows.aggregate(**above).to_pyarrow().to_pylist()[0] if above else {}
    return (
        rows.mutate(**within),
        {name: f"{names[name]}_capped" for name in limits},
        {name: Cap(at, int(counts[names[name]])) for name, at in limits.items()},
    )
