"""Cells: which levels of a factorial experiment's factors each variant stands for."""

from itertools import product

import ibis

from analysis.plan import FactorPlan

from .request import TableError, TableRequest

Cells = dict[str, tuple[str, ...]]  # variant -> its level of each factor


def cells_of(rows: ibis.Table, request: TableRequest, variants: tuple[str, ...]) -> Cells:
    """Each variant's level of every factor; {} without factors.

    Args:
        rows: one row a unit, with ``variant`` and a text column for each factor.
        request: names the factors.
        variants: of the table, the control first.

    Raises:
        TableError: a variant has several levels of a factor, or a combination is missing.
    """
    labels = [f"f{at}" for at in range(len(request.factors))]
    if not labels:
        return {}
    seen = rows.group_by("variant").aggregate(
        **{label: rows[label].min() for label in labels},
        **{f"n_{label}": rows[label].fill_null("").nunique() for label in labels},
    )
    cells = {}
    for row in seen.to_pyarrow().to_pylist():
        for name, label in zip(request.factors, labels, strict=True):
            if row[f"n_{label}"] != 1 or row[label] is None:
                raise TableError(
                    f"--factor: {name} is not the same for every unit of {row['variant']},"
                    " expected one level in each variant: variants are the factors' combinations"
                )
        cells[row["variant"]] = tuple(row[label] for label in labels)
    found = {variant: cells[variant] for variant in variants}
    _refuse_gaps(found, request)
    return found


def factors_of(cells: Cells, request: TableRequest) -> tuple[FactorPlan, ...]:
    """The factors with their levels, the control's first."""
    first = next(iter(cells.values()), ())
    return tuple(
        FactorPlan(
            name,
            request.titles.get(name, name),
            (level, *sorted({cell[at] for cell in cells.values()} - {level})),
        )
        for at, (name, level) in enumerate(zip(request.factors, first, strict=True))
    )


def _refuse_gaps(cells: Cells, request: TableRequest) -> None:
    levels = [sorted({cell[at] for cell in cells.values()}) for at in range(len(request.factors))]
    for name, each in zip(request.factors, levels, strict=True):
        if len(each) < 2:
            raise TableError(f"--factor: {name} has one level only, {each[0]}; expected two")
    met = list(cells.values())
    for cell in product(*levels):
        if met.count(cell) != 1:
            shown = ", ".join(f"{n}={v}" for n, v in zip(request.factors, cell, strict=True))
            raise TableError(
                f"--factor: {met.count(cell)} variants have {shown}, expected exactly one for each"
                " combination of levels"
            )
