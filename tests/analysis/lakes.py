"""Small lakes for tests: rows made by hand, or a seeded population that behaves plausibly."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.fs as pa_fs
import pyarrow.parquet as pq

from analysis.lake.reader import Lake
from analysis.lake.schema import TABLES
from analysis.lake.writer import append, last_sequence
from analysis.storage import open_files

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
_ids = count(1)


def day(number: float) -> datetime:
    """That many days after START."""
    return START + timedelta(days=number)


def event(learner: str, kind: str, at: datetime, value: float | None = None, **lifted: Any) -> dict:
    """One row of the events table."""
    return {
        "event_id": f"e{next(_ids)}",
        "learner": learner,
        "kind": kind,
        "occurred_at": at,
        "received_at": lifted.pop("received_at", at),
        "value": value,
        **lifted,
    }


def exposure(learner: str, variant: str, at: datetime, **given: Any) -> dict:
    """One row of the exposures table; ``unit`` makes it a team's."""
    unit = given.pop("unit", None)
    return {
        "event_id": f"x{next(_ids)}",
        "experiment": given.pop("experiment", "points"),
        "variant": variant,
        "unit_kind": "learner" if unit is None else "team",
        "unit": unit or learner,
        "learner": learner,
        "exposed_at": at,
        "received_at": at,
        **given,
    }


def description(learner: str, at: datetime = START, **attributes: Any) -> dict:
    """One row of the learners table."""
    return {
        "event_id": f"l{next(_ids)}",
        "learner": learner,
        "described_at": at,
        "received_at": at,
        **attributes,
    }


def outcome(learner: str, name: str, on: date, value: float, **given: Any) -> dict:
    """One row of the outcomes table."""
    return {
        "event_id": f"o{next(_ids)}",
        "learner": learner,
        "name": name,
        "day": on,
        "value": value,
        "received_at": datetime(on.year, on.month, on.day, 20, tzinfo=UTC),
        **given,
    }


def rows_of(table_name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as an Arrow table of the lake's schema; absent columns are null."""
    schema = TABLES[table_name]
    rows = list(rows)
    columns = {name: [row.get(name) for row in rows] for name in schema.names}
    return pa.table(columns, schema=schema)


def write_lake(root: str | Path, **tables: Sequence[Mapping[str, Any]] | pa.Table) -> Lake:
    """A lake with these rows added: ``write_lake(path, events=[...], exposures=[...])``."""
    for name, rows in tables.items():
        if len(rows):
            table = rows if isinstance(rows, pa.Table) else rows_of(name, rows)
            append(root, name, table, "test", last_sequence(root, name, "test") + 1)
    return Lake.open(root)


def files_naming(root: str | Path, text: str) -> list[str]:
    """Every file below a lake, logs included, that holds a text: in its bytes, or as Parquet."""
    files = open_files(root)
    found = []
    for info in files.get_file_info(pa_fs.FileSelector("", recursive=True)):
        if info.type == pa_fs.FileType.File:
            content = files.open_input_stream(info.path).read()
            if info.extension == "parquet":
                rows = pq.read_table(pa.BufferReader(content)).to_pylist()
                content += str(rows).encode()
            if text.encode() in content:
                found.append(info.path)
    return found


@dataclass(frozen=True)
class Population:
    """How the learners of a made-up program behave."""

    n_learners: int = 200
    days: int = 84
    seed: int = 7
    events_per_active_day: int = 3
    mean_propensity: float = 0.35  # chance of an active day
    weekly_hazard: float = 0.04  # chance per week to stop for good
    sales_per_propensity: float = 0.0  # how strongly sales follow engagement


ROLES = ("sales", "service", "support")
REGIONS = ("north", "south")
_KINDS = (
    "session_started",
    "content_viewed",
    "course_progressed",
    "challenge_completed",
    "reward_claimed",
    "peer_comment",
    "peer_post",
    "message_opened",
)
_SHARES = (0.34, 0.22, 0.14, 0.12, 0.05, 0.07, 0.02, 0.04)


def population_lake(root: str | Path, population: Population | None = None) -> Lake:
    """A program's lake, seeded: the same population always writes the same rows."""
    population = population or Population()
    rng = np.random.default_rng(population.seed)
    propensity = rng.beta(2, 2 / population.mean_propensity - 2, population.n_learners)
    lifetime = rng.geometric(population.weekly_hazard, population.n_learners) * 7
    tables = {
        "events": pa.concat_tables(
            [
                _engagement(population, propensity, lifetime, rng),
                _sales(population, propensity, rng),
            ]
        ),
        "learners": rows_of(
            "learners",
            [
                description(
                    f"learner-{number:05d}",
                    role=ROLES[number % len(ROLES)],
                    region=REGIONS[number % len(REGIONS)],
                    team=f"team-{number // 20:03d}",
                    started_on=date(2024 + number % 2, 1, 15),
                )
                for number in range(population.n_learners)
            ],
        ),
    }
    return write_lake(root, **tables)


def _engagement(
    population: Population,
    propensity: np.ndarray,
    lifetime: np.ndarray,
    rng: np.random.Generator,
) -> pa.Table:
    active = rng.random((population.n_learners, population.days)) < propensity[:, None]
    active &= np.arange(population.days)[None, :] < lifetime[:, None]
    learner, on_day = np.nonzero(active)
    repeats = 1 + rng.poisson(population.events_per_active_day - 1, len(learner))
    learner, on_day = np.repeat(learner, repeats), np.repeat(on_day, repeats)
    kinds = np.asarray(_KINDS)[rng.choice(len(_KINDS), len(learner), p=_SHARES)]
    return _events(learner, on_day + rng.random(len(learner)), kinds, None, rng)


def _sales(population: Population, propensity: np.ndarray, rng: np.random.Generator) -> pa.Table:
    if not population.sales_per_propensity:
        return TABLES["events"].empty_table().drop_columns(["day"])
    n_sales = rng.poisson(1.0 + population.sales_per_propensity * propensity)
    learner = np.repeat(np.arange(population.n_learners), n_sales)
    on_day = rng.random(len(learner)) * population.days
    amounts = rng.gamma(4.0, 25.0, len(learner))
    return _events(learner, on_day, np.full(len(learner), "sale"), amounts, rng)


def _events(
    learner: np.ndarray,
    on_day: np.ndarray,
    kinds: np.ndarray,
    values: np.ndarray | None,
    rng: np.random.Generator,
) -> pa.Table:
    n_events = len(learner)
    start_us = int(START.timestamp()) * 1_000_000
    at = pa.array(start_us + (on_day * 86_400e6).astype("int64"), pa.timestamp("us", tz="UTC"))
    which = rng.integers(0, 12, n_events)
    in_course = np.isin(kinds, ("course_progressed", "course_completed", "content_viewed"))
    acted = np.isin(kinds, ("challenge_completed", "reward_claimed"))
    columns = {
        "event_id": pa.array([f"{kinds[0] if n_events else ''}-{i}" for i in range(n_events)]),
        "learner": pa.array([f"learner-{number:05d}" for number in learner]),
        "kind": pa.array(kinds.tolist(), pa.string()),
        "occurred_at": at,
        "received_at": at,
        "value": pa.nulls(n_events, pa.float64()) if values is None else pa.array(values),
        "activity": pa.array(
            [f"{k}-{w % 4}" if a else None for k, w, a in zip(kinds, which, acted, strict=True)],
            pa.string(),
        ),
        "topic": pa.array([f"topic-{w % 3}" for w in which], pa.string()),
        "course": pa.array(
            [f"course-{w % 2}" if c else None for w, c in zip(which, in_course, strict=True)],
            pa.string(),
        ),
        "step": pa.array(
            [int(w % 5) + 1 if c else None for w, c in zip(which, in_course, strict=True)],
            pa.int32(),
        ),
        "properties": pa.nulls(n_events, pa.string()),
    }
    return pa.table(columns).cast(
        pa.schema([field for field in TABLES["events"] if field.name in columns])
    )
