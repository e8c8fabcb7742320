"""Every way in which a mapping may not fit has a finding of its own."""

from dataclasses import replace
from datetime import UTC, datetime

import duckdb
import psycopg
import pytest

from analysis.warehouse import tables
from analysis.warehouse.connect import Limits, WarehouseError, open_connection
from analysis.warehouse.mapping import parse_mapping
from analysis.warehouse.preview import preview
from analysis.warehouse.tables import Reading
from analysis.warehouse.validate import Expected, validate

NOW = datetime(2026, 3, 20, tzinfo=UTC)
STATEMENTS = (
    "CREATE TABLE assigned (who text, arm text, met timestamptz, test text)",
    """INSERT INTO assigned VALUES
    ('a', 'A', '2026-03-03 10:00:00+00', 'points'),
    ('b', 'B', '2026-03-03 10:00:00+00', 'points'),
    ('c', 'A', '2026-03-04 10:00:00+00', 'points'),
    ('d', 'B', '2026-03-19 10:00:00+00', 'points')""",
    "CREATE TABLE sales (rep text, closed timestamptz, amount double precision)",
    """INSERT INTO sales VALUES
    ('a', '2026-03-05 10:00:00+00', 1.5), ('b', '2026-03-06 10:00:00+00', 2),
    ('c', '2026-03-19 11:00:00+00', 3)""",
)
EXPOSURES = {"table": "assigned", "learner": "who", "variant": "arm", "exposed_at": "met"}
SALES = {
    "table": "sales",
    "learner": "rep",
    "occurred_at": "closed",
    "value": "amount",
    "constant_kind": "sale",
}
GOOD = {"exposures": {**EXPOSURES, "experiment": "test"}, "events": [SALES]}
EXPECTED = Expected(
    Reading("points"), NOW, variants=("A", "B"), started_at=datetime(2026, 3, 2, tzinfo=UTC)
)


@pytest.fixture(scope="module", params=["duckdb", "postgresql"])
def company(request, tmp_path_factory):
    """The address of the company's tables, what may be read, and a way to add to them."""
    if request.param == "duckdb":
        folder = tmp_path_factory.mktemp("company")
        path = folder / "tables.duckdb"

        def run(*statements):
            with duckdb.connect(str(path)) as connection:
                for statement in statements:
                    connection.execute(statement)

        url, limits = f"duckdb://{path}", Limits(folder)
    else:
        server = request.getfixturevalue("postgresql_url")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE validated")
        url, limits = server.replace("/postgres?", "/validated?"), Limits()

        def run(*statements):
            with psycopg.connect(url, autocommit=True) as connection:
                for statement in statements:
                    connection.execute(statement)

    run(*STATEMENTS)
    return url, limits, run


def look(company, plain, expected=EXPECTED):
    """What a validation finds: code -> finding."""
    mapping, errors = parse_mapping(plain)
    assert errors == []
    url, limits, _ = company
    connection = open_connection(url, limits)
    try:
        return {each.code: each for each in validate(connection, mapping, expected)}
    finally:
        connection.close()


def test_validate__a_mapping_that_fits__has_only_notes(company):
    found = look(company, GOOD)

    assert {each.severity for each in found.values()} == {"note"}
    assert found["with_events"].sentence == "75% of 4 exposed learners have any event."


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        pytest.param({"table": "nowhere"}, "no_table", "exposures.table", id="no-table"),
        pytest.param({"table": "other.assigned"}, "no_table", "exposures.table", id="no-schema"),
        pytest.param({"learner": "person"}, "no_column", "exposures.learner", id="no-column"),
        pytest.param({"exposed_at": "arm"}, "wrong_type", "exposures.exposed_at", id="text-time"),
        pytest.param({"experiment": "arm"}, "no_exposures", "exposures.experiment", id="other"),
        pytest.param({"variants": {"A": "Z"}}, "unknown_variants", "exposures.variant", id="name"),
        pytest.param({"variants": {"A": "B"}}, "missing_variants", "exposures.variant", id="none"),
    ],
)
def test_validate__exposures_that_do_not_fit__says_which_field(company, changed, code, field):
    found = look(company, {**GOOD, "exposures": {**GOOD["exposures"], **changed}})

    assert found[code].severity == "error"
    assert found[code].field == field
    assert found[code].remedy


@pytest.mark.parametrize(
    ("statement", "part", "code", "severity"),
    [
        pytest.param(
            "CREATE VIEW v1 AS SELECT * FROM sales UNION ALL SELECT NULL, closed, 1 FROM sales",
            {"table": "v1"}, "null_keys", "warning", id="no-learner",
        ),
        pytest.param(
            "CREATE VIEW v2 AS SELECT rep, CAST(closed AS timestamp) AS closed, amount FROM sales",
            {"table": "v2"}, "no_zone", "warning", id="no-zone",
        ),
        pytest.param(
            "CREATE VIEW v3 AS SELECT rep, CAST(closed AS date) AS closed, amount FROM sales",
            {"table": "v3"}, "only_days", "warning", id="days",
        ),
        pytest.param(
            "CREATE VIEW v4 AS SELECT * FROM sales UNION ALL SELECT * FROM sales",
            {"table": "v4"}, "duplicates", "warning", id="twice",
        ),
        pytest.param(
            "CREATE VIEW v5 AS SELECT * FROM sales WHERE rep = 'nobody'",
            {"table": "v5"}, "no_rows", "error", id="empty",
        ),
        pytest.param(
            "CREATE VIEW v6 AS SELECT rep || '@mail' AS rep, closed, amount FROM sales",
            {"table": "v6"}, "no_events", "error", id="other-ids",
        ),
        pytest.param(
            "CREATE VIEW v7 AS SELECT rep, closed + INTERVAL '1 year' AS closed, amount FROM sales",
            {"table": "v7"}, "future", "warning", id="future",
        ),
        pytest.param(
            "CREATE VIEW v8 AS SELECT rep, closed - INTERVAL '9 days' AS closed, amount FROM sales",
            {"table": "v8"}, "old", "warning", id="old",
        ),
        pytest.param(
            "CREATE VIEW v9 AS SELECT rep, closed, 'much' AS amount FROM sales",
            {"table": "v9"}, "wrong_type", "error", id="text-value",
        ),
        pytest.param(
            "CREATE VIEW v10 AS SELECT rep, closed, amount, 'bought' AS what FROM sales",
            {"table": "v10", "kind": "what", "constant_kind": ""}, "unknown_kinds", "warning",
            id="kind",
        ),
        pytest.param(
            "CREATE VIEW v11 AS SELECT rep, closed, NULLIF(amount, 2) AS amount FROM sales",
            {"table": "v11"}, "null_values", "note", id="no-value",
        ),
    ],
)  # fmt: skip
def test_validate__events_that_do_not_fit__has_a_finding(company, statement, part, code, severity):
    company[2](statement)

    found = look(company, {**GOOD, "events": [{**SALES, **part}]})

    assert found[code].severity == severity


def test_validate__assignments_that_changed_or_came_early__warns(company):
    company[2](
        "CREATE VIEW w1 AS SELECT * FROM assigned UNION ALL SELECT 'a', 'B', met, test"
        " FROM assigned WHERE who = 'a' UNION ALL SELECT 'e', 'A', met - INTERVAL '30 days', test"
        " FROM assigned WHERE who = 'a'"
    )

    found = look(company, {**GOOD, "exposures": {**GOOD["exposures"], "table": "w1"}})

    assert found["crossed_units"].sentence == "1 of 5 units met several variants."
    assert found["outside_window"].sentence.startswith("1 exposures are from before the start")


def test_validate__outcomes_twice_a_day__is_an_error_unless_the_latest_is_told(company):
    company[2](
        "CREATE VIEW o1 AS SELECT rep, CAST(closed AS date) AS d, amount, closed AS loaded"
        " FROM sales UNION ALL SELECT rep, CAST(closed AS date), 9,"
        " closed + INTERVAL '1 hour' FROM sales"
    )
    outcomes = {
        "table": "o1", "learner": "rep", "day": "d", "value": "amount", "constant_name": "quota",
    }  # fmt: skip

    without = look(company, {**GOOD, "outcomes": [outcomes]})
    told = look(company, {**GOOD, "outcomes": [{**outcomes, "received_at": "loaded"}]})

    assert without["duplicates"].severity == "error"
    assert "duplicates" not in told


def test_validate__teams_without_their_column__is_an_error(company):
    expected = Expected(Reading("points", "team"), NOW)

    found = look(company, GOOD, expected)

    assert found["no_column"].field == "exposures.unit"


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM sales",
        "SELECT 1; DROP TABLE sales",
        "WITH gone AS (DELETE FROM sales RETURNING *) SELECT * FROM gone",
        "SELECT * INTO copied FROM sales",
        "SELECT pg_read_file('/etc/passwd') AS rep",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM dblink('host=elsewhere', 'SELECT 1') AS t(rep text)",
        "SELECT set_config('statement_timeout', '0', false) AS rep",
        "not sql at all (",
        "",
    ],
)
def test_validate__a_query_that_is_no_plain_select__is_refused(company, query):
    part = {**SALES, "query": query or " ", "table": ""}

    found = look(company, {**GOOD, "events": [part]})

    assert found["refused_query"].field == "events[0].query"


@pytest.mark.parametrize(
    "query", ["SELECT nothing FROM sales", "SELECT * FROM '/etc/passwd'", "SELECT rep FROM nowhere"]
)
def test_validate__a_query_that_the_warehouse_refuses__is_a_finding(company, query):
    found = look(company, {**GOOD, "events": [{**SALES, "query": query, "table": ""}]})

    assert {"bad_query", "refused_query"} & set(found)


def test_connection__of_a_warehouse__cannot_write(company):
    url, limits, _ = company
    connection = open_connection(url, limits)

    with pytest.raises(Exception, match=r"read.only"):
        connection.backend.raw_sql("INSERT INTO sales VALUES ('x', '2026-03-05 10:00:00+00', 1)")
    connection.close()


def test_connection__a_query_beyond_the_limit__is_given_up(company):
    url, limits, _ = company
    connection = open_connection(url, Limits(limits.files_below, seconds=0.2))
    numbers = "range" if connection.scheme == "duckdb" else "generate_series"
    a, b = (f"{numbers}(1, 3000000) AS {name}(n)" for name in "ab")

    with pytest.raises(Exception, match=r"(?i)interrupt|timeout"):
        connection.backend.raw_sql(
            f"SELECT count(*) FROM {a}, {b} WHERE a.n * b.n % 7 = 3"
        ).fetchall()
    connection.close()


SLOW = "SELECT a.n::text AS rep, now() AS closed, 1.0 AS amount FROM {0} WHERE a.n * b.n % 7 = 3"


def slow_query(company):
    numbers = "range" if company[0].startswith("duckdb") else "generate_series"
    return SLOW.format(", ".join(f"{numbers}(1, 3000000) AS {name}(n)" for name in "ab"))


def test_validate__a_slow_table__stops_all_of_it_when_the_time_is_up(company):
    url, limits, _ = company
    slow = {**SALES, "query": slow_query(company), "table": ""}
    mapping, _ = parse_mapping({**GOOD, "events": [slow, SALES, SALES]})
    connection = open_connection(url, replace(limits, seconds=60, total_seconds=0.5))

    found = validate(connection, mapping, EXPECTED)
    connection.close()

    late = [each.field for each in found if each.code == "out_of_time"]
    assert late[-3:] == ["events[0]", "events[1]", "events[2]"]
    assert not [each for each in found if each.code == "failed_query"]


@pytest.mark.parametrize(
    ("query", "said", "hidden"),
    [
        ("SELECT nothing, rep, closed, amount FROM sales", "nothing", "no such"),
        (
            "SELECT rep, closed, CAST(rep || '-hunter2' AS numeric) AS amount FROM sales",
            "a value does not fit",
            "hunter2",
        ),
    ],
    ids=["about-the-query", "about-rows"],
)
def test_validate__a_query_that_fails__says_what_holds_no_row(company, query, said, hidden):
    found = look(company, {**GOOD, "events": [{**SALES, "query": query, "table": ""}]})

    sentences = " ".join(each.sentence for each in found.values() if each.severity == "error")
    assert said in sentences
    assert hidden not in sentences


def test_query__that_would_end_ours_and_begin_another__is_one_statement_or_none(company):
    url, limits, _ = company
    if not url.startswith("postgresql"):
        pytest.skip("Ibis asks DuckDB through the statement that was parsed here")
    connection = open_connection(url, limits)
    smuggled = "SELECT 1) AS asked; SET statement_timeout = 0; SELECT * FROM (SELECT 2"

    with pytest.raises(psycopg.errors.SyntaxError, match="multiple commands"):
        tables._postgres_schema(connection.backend, smuggled)
    connection.close()


def test_preview__a_query_that_ends_in_a_comment__is_read(company):
    url, limits, _ = company
    part = {**SALES, "query": "SELECT rep, closed, amount FROM sales -- all of them", "table": ""}
    connection = open_connection(url, limits)

    mapping = parse_mapping({**GOOD, "events": [part]})[0]
    shown = preview(connection, mapping, Reading("points"), str)
    connection.close()

    assert [row["value"] for row in shown["events"]] == [1.5, 2.0, 3.0]


def test_preview__of_a_mapping__masks_ids_and_shows_a_few_rows(company):
    url, limits, _ = company
    connection = open_connection(url, limits)

    shown = preview(connection, parse_mapping(GOOD)[0], Reading("points"), lambda _: "hidden")
    connection.close()

    assert {row["learner"] for rows in shown.values() for row in rows} == {"hidden"}
    assert [row["value"] for row in shown["events"]] == [1.5, 2.0, 3.0]
    assert shown["exposures"][0]["exposed_at"].startswith("2026-03-03T10:00")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("file:///etc/passwd", "bad_url"),
        ("mysql://root:secret@localhost/x", "bad_url"),
        ("nothing", "bad_url"),
        ("duckdb:///etc/passwd", "outside_folder"),
        ("duckdb://{folder}/../outside.duckdb", "outside_folder"),
        ("duckdb://{folder}/none.duckdb", "no_connection"),
        ("duckdb://{folder}/text.duckdb", "no_connection"),
        ("postgresql://ada:secret@127.0.0.1:1/x", "no_connection"),
        ("postgresql://ada:sec@ret@127.0.0.1:secret/x", "no_connection"),
        ("snowflake://ada:secret@account/x", "no_driver"),
    ],
)
def test_connection__an_address_that_cannot_be_used__is_refused_without_its_secrets(
    url, code, tmp_path
):
    (tmp_path / "text.duckdb").write_text("no database")

    with pytest.raises(WarehouseError) as refused:
        open_connection(url.format(folder=tmp_path), Limits(tmp_path))

    assert refused.value.code == code
    assert "secret" not in str(refused.value)
    assert "ada" not in str(refused.value)


def test_time_zone__of_times_without_one__is_the_one_named(company):
    company[2](
        "CREATE VIEW z1 AS SELECT rep, timestamp '2026-07-01 12:00:00' AS closed, amount FROM sales"
    )
    part = {**SALES, "table": "z1", "time_zone": "Europe/Berlin"}
    url, limits, _ = company
    connection = open_connection(url, limits)

    mapping = parse_mapping({**GOOD, "events": [part]})[0]
    shown = preview(connection, mapping, Reading("points"), str)
    connection.close()

    assert {row["occurred_at"] for row in shown["events"]} == {"2026-07-01T10:00:00+00:00"}
