"""``momentum assign``: make balanced lists of units before an experiment starts."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from assignment.blocks import (
    Balance,
    Listed,
    Stratum,
    assign_in_blocks,
    balance_of,
    bin_edges,
    bin_name,
)
from assignment.bucketing import RingFilter, namespace_filter
from assignment.errors import AssignmentError
from experiment_server.problems import Problem

JSON_SUFFIX: Final = ".json"
EXAMPLE: Final = "control=1,badge=1"
MOST_SHOWN: Final = 40  # strata in the table

Row = Mapping[str, str]


@dataclass(frozen=True)
class Wish:
    """What to assign by."""

    unit: str  # the column with the ids
    strata: tuple[str, ...]
    bins: Mapping[str, int]  # columns of numbers -> how many bins
    ring: RingFilter | None


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("assign")
    def assign(  # noqa: PLR0913 - one argument for each option that people type
        file: Annotated[Path, typer.Argument(help="A CSV file with a row for each unit.")],
        out: Annotated[Path, typer.Option(help="Where to write: .csv, or .json for the API.")],
        seed: Annotated[str, typer.Option(help="Such as the experiment's key and the date.")],
        variants: Annotated[str, typer.Option(help="Each with its weight.")] = EXAMPLE,
        unit: Annotated[str, typer.Option(help="The column with the ids.")] = "unit",
        strata: Annotated[
            str, typer.Option(help="Columns, such as role,region,prior_days:3 (in 3 bins).")
        ] = "",
        namespace: Annotated[
            str, typer.Option(help="Take only units within it, such as home:0:0.5.")
        ] = "",
    ) -> None:
        """Share units out in blocks within strata, and show how even the split is."""
        names, bins = read_strata(strata)
        wish = Wish(unit, names, bins, read_namespace(namespace))
        weights = read_weights(variants)
        units = read_units(file, wish)
        try:
            lists = assign_in_blocks(units, weights, seed)
        except AssignmentError as error:
            raise refusal(str(error)) from error
        write_lists(out, lists)
        for line in table_of(balance_of(lists, weights)):
            typer.echo(line)
        typer.echo(f"{len(lists)} units written to {out}.")


def read_weights(text: str) -> dict[str, float]:
    """``control=1,badge=2`` as weights.

    Raises:
        Problem: it cannot be read so.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        key, sign, weight = part.strip().partition("=")
        try:
            weights[key] = float(weight) if sign else 1.0
        except ValueError as error:
            raise refusal(f"variants: found {part!r}; expected such as {EXAMPLE}") from error
    return weights


def read_strata(text: str) -> tuple[tuple[str, ...], dict[str, int]]:
    """``role,prior_days:3`` as columns, and how many bins columns of numbers have.

    Raises:
        Problem: a number of bins is no whole number above 1.
    """
    names, bins = [], {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, count = part.partition(":")
        names.append(name)
        if sign and not (count.isdigit() and int(count) > 1):
            raise refusal(f"strata: found {part!r}; expected bins such as {name}:3")
        if sign:
            bins[name] = int(count)
    return tuple(names), bins


def read_namespace(text: str) -> RingFilter | None:
    """``home:0:0.5`` as the part of a ring.

    Raises:
        Problem: it cannot be read so.
    """
    if not text:
        return None
    try:
        name, low, high = text.split(":")
        return namespace_filter(name, float(low), float(high))
    except ValueError as error:
        raise refusal(f"namespace: found {text!r}; expected such as home:0:0.5") from error


def read_units(file: Path, wish: Wish) -> dict[str, Stratum]:
    """Each unit's stratum, from a CSV file with a header.

    Raises:
        Problem: the file cannot be read, lacks a column, names a unit twice or not at all.
    """
    rows = _rows(file, (wish.unit, *wish.strata))
    if wish.ring is not None:
        rows = [row for row in rows if wish.ring.admits(row[wish.unit].strip())]
    edges = {name: bin_edges(_numbers(rows, name), count) for name, count in wish.bins.items()}
    units: dict[str, Stratum] = {}
    for number, row in enumerate(rows, start=2):
        unit = row[wish.unit].strip()
        if not unit or unit in units:
            found = f"{unit!r} a second time" if unit else "no unit"
            raise refusal(f"row {number}, {wish.unit}: found {found}; expected an id of its own")
        units[unit] = tuple((name, _level(row, name, edges)) for name in wish.strata)
    return units


def write_lists(out: Path, lists: Sequence[Listed]) -> None:
    """The lists as CSV, or as the body that the API takes.

    Raises:
        Problem: the file cannot be written.
    """
    try:
        with out.open("w", newline="", encoding="utf-8") as stream:
            rows = [(one.unit, one.variant, one.stratum) for one in lists]
            names = ("unit", "variant", "stratum")
            if out.suffix == JSON_SUFFIX:
                items = [dict(zip(names, row, strict=True)) for row in rows]
                json.dump({"items": items}, stream, ensure_ascii=False)
                return
            csv.writer(stream).writerows([names, *rows])
    except OSError as error:
        raise refusal(f"out: {out} cannot be written ({error.strerror})") from error


def table_of(balances: Sequence[Balance]) -> list[str]:
    """How even the split is, stratum by stratum."""
    variants = list(balances[0].counts)
    shown = balances[: MOST_SHOWN + 1]
    width = max(len(_name(balance)) for balance in shown)
    named = "  ".join(f"{each:>10}" for each in variants)
    lines = [f"{'stratum':<{width}}  {'units':>6}  {named}  off by"]
    for balance in shown:
        counts = "  ".join(f"{balance.counts[each]:>10}" for each in variants)
        head = f"{_name(balance):<{width}}  {balance.n_units:>6}"
        lines.append(f"{head}  {counts}  {balance.largest_gap:>6.2f}")
    if len(balances) > len(shown):
        lines.append(f"... and {len(balances) - len(shown)} more strata")
    return lines


def refusal(sentence: str) -> Problem:
    """What the command line tells the caller to mend."""
    return Problem(422, sentence)


def _rows(file: Path, columns: Sequence[str]) -> list[Row]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restval="")
            given = list(reader.fieldnames or ())
            missing = [name for name in columns if name not in given]
            if missing:
                found = ", ".join(given) or "an empty file"
                raise refusal(f"{file}: found the columns {found}; expected {missing[0]!r} as well")
            return list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise refusal(f"{file} cannot be read: {error}") from error


def _numbers(rows: Sequence[Row], name: str) -> list[float]:
    return [_number(row[name]) for row in rows if row[name].strip()]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise refusal(f"found {text!r}; expected a number, because it is put into bins") from error


def _level(row: Row, name: str, edges: Mapping[str, list[float]]) -> str:
    text = row[name].strip()
    if not text:
        return "unknown"
    return bin_name(_number(text), edges[name]) if name in edges else text


def _name(balance: Balance) -> str:
    return balance.stratum or "everybody"
