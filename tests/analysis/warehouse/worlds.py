"""One simulated experiment in three places: a lake, a DuckDB file, and tables of PostgreSQL.

The tables of the companies have names, types and extra rows of their own.
"""

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from functools import cache

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
from psycopg import sql

from analysis.plan import AnalysisPlan, MetricPlan
from tests.analysis.lakes import START, day, description, event, exposure, write_lake

N = 160
TEAMS = 16
ROLES = ("sales", "service", None)
REGIONS = ("north", "south")
KINDS = (
    "session_started",
    "challenge_completed",
    "peer_post",
    "reward_claimed",
    "course_progressed",
)
THEIR_KINDS = {"challenge_completed": "quiz done", "peer_post": "wrote"}
THEIR_VARIANTS = {"control": "A", "double": "B"}


@dataclass(frozen=True)
class World:
    """Rows as the lake has them."""

    events: list
    exposures: list
    learners: list
    outcomes: list  # learner, name, day, value


@cache
def world(unit_kind: str = "learner") -> World:
    """Ten weeks of 160 learners in 16 teams; the treated do more, and sell more."""
    rng = np.random.default_rng(5)
    made = World([], [], [], [])
    for i in range(N):
        learner, team = f"ann-{i}", i % TEAMS
        treated = bool((team if unit_kind == "team" else i // TEAMS) % 2)
        unit = {"unit": f"team-{team}"} if unit_kind == "team" else {}
        at = day(rng.uniform(0, 9))
        for again in range(1 + i % 3):
            known = {"role": ROLES[i % 3], "region": REGIONS[i % 2]}
            made.exposures.append(
                exposure(learner, "double" if treated else "control",
                         at + timedelta(days=again), **unit, **known)
            )  # fmt: skip
        if i % 2:
            made.learners.append(
                description(learner, day(-30), role="support", started_on=date(2025, 1 + i % 12, 3))
            )
        habit = rng.gamma(4, 2.0)
        for low, high, pace in ((-56, 0, 1.0), (0, 70, 1.7 if treated else 1.0)):
            n = rng.poisson(habit * pace * (high - low) / 28)
            made.events.extend(
                event(learner, kind, day(at_day))
                for kind, at_day in zip(
                    rng.choice(KINDS, n), rng.uniform(low, high, n), strict=True
                )
            )
        for _ in range(rng.poisson(4)):
            amount = round(float(rng.gamma(3, 40) * (1.3 if treated else 1)), 2)
            made.events.append(event(learner, "sale", day(rng.uniform(-28, 60)), amount))
        for week in range(-4, 9):
            made.outcomes.append(
                (learner, "quota", (START + timedelta(days=7 * week)).date(),
                 round(float(rng.normal(1.0 + 0.1 * treated, 0.2)), 4))
            )  # fmt: skip
    # Events of people who met nothing, which no readout may count.
    made.events.extend(event("stranger", "sale", day(at), 1e6) for at in range(20))
    return made


METRICS = (
    MetricPlan("score", "Energize Score", "score", "primary", minimum_effect=4.0),
    MetricPlan("quizzes", "Quizzes", "count", "secondary", event_kinds=("challenge_completed",)),
    MetricPlan("sold", "Sold", "sum", "secondary", event_kinds=("sale",), cap_quantile=0.95),
    MetricPlan("seller", "Sellers", "proportion", "secondary", event_kinds=("sale",)),
    MetricPlan("stays", "Stays", "retention", "guardrail"),
    MetricPlan("days", "Days", "active_days", "secondary", covariate="model"),
    MetricPlan("each", "A sale", "ratio", "secondary", event_kinds=("sale",),
               denominator_kinds=("session_started",)),
    MetricPlan("rate", "Posts a session", "rate", "secondary", event_kinds=("peer_post",),
               denominator_kinds=("session_started",)),
    MetricPlan("until", "Days to a reward", "time_to_event", "secondary",
               event_kinds=("reward_claimed",)),
    MetricPlan("middle", "Median sale", "quantile", "secondary", event_kinds=("sale",),
               quantile=0.5),
    MetricPlan("quota", "Quota", "sum", "secondary", event_kinds=("outcome:quota",)),
)  # fmt: skip
FOR_TEAMS = ("score", "quizzes", "sold", "seller", "stays", "each", "rate", "quota")


def plan(unit_kind: str = "learner", metrics=METRICS, **changes) -> AnalysisPlan:
    """A plan with every kind of metric."""
    values = {
        "experiment": "points",
        "title": "Double points",
        "domain": "incentive",
        "unit_kind": unit_kind,
        "variants": ("control", "double"),
        "weights": (0.5, 0.5),
        "metrics": metrics,
        "started_at": START,
        "as_of": day(45),
        "final": True,
        "score_version": "v1",
        "take_up_kinds": ("reward_claimed",) if unit_kind == "learner" else (),
    }
    return AnalysisPlan(**{**values, **changes})


def lake_of(root, made: World):
    """The world in a lake."""
    outcomes = [
        {"event_id": f"o{at}", "learner": learner, "name": name, "day": on, "value": value,
         "received_at": day(60)}
        for at, (learner, name, on, value) in enumerate(made.outcomes)
    ]  # fmt: skip
    return write_lake(
        root, events=made.events, exposures=made.exposures, learners=made.learners,
        outcomes=outcomes,
    )  # fmt: skip


MAPPING = {
    "exposures": {
        "table": "assignments",
        "learner": "user_id",
        "variant": "arm",
        "exposed_at": "first_seen",
        "unit": "squad",
        "experiment": "test_name",
        "role": "job",
        "region": "area",
        "variants": {"A": "control", "B": "double"},
        "experiments": {"POINTS 2026": "points"},
    },
    "events": [
        {
            "table": "activity",
            "learner": "who",
            "occurred_at": "ts",
            "kind": "verb",
            "received_at": "loaded",
            "kinds": {"quiz done": "challenge_completed", "wrote": "peer_post"},
        },
        {
            "query": "SELECT rep, closed, amount / 100.0 AS euros, loaded FROM crm_deals",
            "learner": "rep",
            "occurred_at": "closed",
            "constant_kind": "sale",
            "value": "euros",
            "received_at": "loaded",
        },
    ],
    "outcomes": [
        {
            "table": "targets",
            "learner": "rep",
            "day": "on_day",
            "value": "share",
            "constant_name": "quota",
            "received_at": "loaded",
        }
    ],
    "learners": {
        "table": "staff",
        "learner": "user_id",
        "described_at": "valid_from",
        "role": "job",
        "started_on": "hired",
    },
}

_TABLES = {
    "assignments": "test_name text, user_id text, squad text, arm text, first_seen {aware},"
    " job text, area text",
    "activity": "who text NOT NULL, verb text NOT NULL, ts {aware} NOT NULL, loaded {aware}",
    "crm_deals": "rep text, closed {naive}, amount numeric(20, 2), loaded {aware}",
    "targets": "rep text, on_day date, share {double}, loaded {aware}",
    "staff": "user_id text, valid_from {aware}, job text, hired date",
}


def rows_of(made: World) -> dict[str, list[tuple]]:
    """The world as a company's own tables would have it."""
    assigned = [
        ("POINTS 2026", e["learner"], e["unit"], THEIR_VARIANTS[e["variant"]], e["exposed_at"],
         e.get("role"), e.get("region"))
        for e in made.exposures
    ]  # fmt: skip
    other = [("ANOTHER", f"ann-{i}", "team-0", "C", day(1), None, None) for i in range(9)]
    return {
        "assignments": assigned + other,
        "activity": [
            (
                e["learner"],
                THEIR_KINDS.get(e["kind"], e["kind"]),
                e["occurred_at"],
                e["received_at"],
            )
            for e in made.events
            if e["kind"] != "sale"
        ],
        "crm_deals": [
            (
                e["learner"],
                e["occurred_at"].astimezone(UTC).replace(tzinfo=None),
                round(e["value"] * 100, 2),
                e["received_at"],
            )
            for e in made.events
            if e["kind"] == "sale"
        ],
        "targets": [
            row
            for learner, _, on, value in made.outcomes
            # The first number was wrong, and corrected later.
            for row in ((learner, on, 99.0, day(50)), (learner, on, value, day(60)))
        ],
        "staff": [
            (e["learner"], e["described_at"], e["role"], e["started_on"]) for e in made.learners
        ],
    }


def fill_duckdb(path, made: World) -> str:
    """The company's tables in a DuckDB file; its address."""
    types = {"aware": "timestamptz", "naive": "timestamp", "double": "double"}
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, columns in _TABLES.items():
            connection.execute(f"CREATE TABLE {name} ({columns.format(**types)})")
        for name, rows in rows_of(made).items():
            names = [each[0] for each in connection.execute(f"DESCRIBE {name}").fetchall()]
            arriving = pa.table(
                [pa.array(column) for column in zip(*rows, strict=True)], names=names
            )
            connection.register("arriving", arriving)
            connection.execute(f"INSERT INTO {name} SELECT * FROM arriving")
    return f"duckdb://{path}"


def fill_postgresql(url: str, made: World, schema: str) -> None:
    """The company's tables in a schema of PostgreSQL."""
    types = {"aware": "timestamptz", "naive": "timestamp", "double": "double precision"}
    place = sql.Identifier(schema)
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(place))
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(place))
        cursor.execute(sql.SQL("SET search_path = {}").format(place))
        for name, columns in _TABLES.items():
            cursor.execute(f"CREATE TABLE {name} ({columns.format(**types)})")
        for name, rows in rows_of(made).items():
            with cursor.copy(f"COPY {name} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)


def in_schema(mapping: dict, schema: str) -> dict:
    """The mapping with its tables in a schema."""

    def placed(part: dict) -> dict:
        if "table" in part:
            return {**part, "table": f"{schema}.{part['table']}"}
        return {**part, "query": part["query"].replace("FROM ", f"FROM {schema}.")}

    return {
        name: [placed(each) for each in part] if isinstance(part, list) else placed(part)
        for name, part in mapping.items()
    }
