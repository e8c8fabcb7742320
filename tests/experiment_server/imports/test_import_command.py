"""``momentum import`` from the file to the lake: once, whatever is repeated or interrupted."""

import csv
import json
import os
from contextlib import suppress
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlmodel import select

from analysis.lake.reader import Lake
from experiment_server.audit.models import AuditEntry
from experiment_server.environments.service import load_environment
from experiment_server.imports import service
from experiment_server.imports.mapping import EVENTS, Wish
from experiment_server.imports.service import FileWish, run_import
from experiment_server.ingest.pseudonyms import Pseudonyms
from experiment_server.ingest.sealing import lake_root, seal_all
from experiment_server.state import State

AT = "2026-03-01T09:30:00Z"
PLACE = ("--environment", "production")


class PulledPlugError(RuntimeError):
    """Stands for whatever ends a process."""


@pytest.fixture
def place(keys):
    return keys.environment


def written(folder, name, *lines):
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def report_rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def lake_rows(database, settings, table="events"):
    with database.read() as session:
        environment = load_environment(session, "production")
    root = lake_root(settings.lake_dir, environment)
    seal_all(database, environment, root)
    return Lake.open(root).table(table).to_pyarrow().to_pylist()


def event_lines(n_rows, bad=()):
    return [f"learner-{n},{'stroll' if n in bad else 'sale'},{AT},{n}" for n in range(n_rows)]


def test_import_events__good_bad_and_again__takes_each_row_once(
    momentum, database, settings, tmp_path, place
):
    path = written(
        tmp_path,
        "log.csv",
        "employee_id,kind,at,value",
        *event_lines(5, bad={3}),
        f"x,sale,{AT},1,2",
    )
    words = ("import", "events", str(path), *PLACE, "--column", "learner=employee_id")

    dry = momentum(*words, "--dry-run")
    first = momentum(*words)
    second = momentum(*words)
    third = momentum(*words, "--again")

    report = report_rows(tmp_path / "log.csv.refused.csv")
    rows = lake_rows(database, settings)
    assert "6 rows: 4 events would be taken, 0 there already, 2 would be refused." in dry.text
    assert "6 rows: 4 events were taken, 0 there already, 2 were refused." in first.text
    assert "row 4: kind 'stroll' is unknown" in first.text
    assert "imported to its end before" in second.text
    assert "6 rows: 0 events were taken, 4 there already, 2 were refused." in third.text
    assert [(row["row"], row["field"], row["employee_id"]) for row in report] == [
        ("4", "kind", "learner-3"),
        ("6", "row", "x"),
    ]
    assert sorted(row["value"] for row in rows) == [0.0, 1.0, 2.0, 4.0]
    pseudonyms = Pseudonyms(place.pseudonym_key)
    assert {row["learner"] for row in rows} == {
        pseudonyms.learner(f"learner-{n}") for n in (0, 1, 2, 4)
    }


def test_import_events__same_rows_in_another_file__are_there_already(
    momentum, database, settings, tmp_path, place
):
    header = "learner,kind,at,value"
    first = written(tmp_path, "a.csv", header, *event_lines(3))
    second = written(tmp_path, "b.csv", header, *event_lines(4), *event_lines(1))
    momentum("import", "events", str(first), *PLACE)

    dry = momentum("import", "events", str(second), *PLACE, "--dry-run")
    done = momentum("import", "events", str(second), *PLACE)

    assert "5 rows: 1 events would be taken, 4 there already" in dry.text
    assert "5 rows: 1 events were taken, 4 there already" in done.text
    assert len(lake_rows(database, settings)) == 4


@pytest.mark.parametrize(
    ("before", "after", "learner"),
    [
        (("--encoding", "latin-1"), ("--encoding", "utf-8"), "zoë"),
        (("--delimiter", ";"), ("--delimiter", ","), "zoë"),
    ],
    ids=["encoding", "delimiter"],
)
def test_import_events__same_bytes_read_in_another_way__is_another_import(
    momentum, database, settings, tmp_path, place, before, after, learner
):
    header, row = "learner,kind,at,note;learner;kind;at", f"{learner},sale,{AT},x;x;sale;{AT}"
    path = written(tmp_path, "log.csv", header, row)
    words = ("import", "events", str(path), *PLACE)

    momentum(*words, *before)
    again = momentum(*words, *before)
    otherwise = momentum(*words, *after)

    pseudonym = Pseudonyms(place.pseudonym_key).learner(learner)
    assert "imported to its end before" in again.text
    assert "imported to its end before" not in otherwise.text
    assert pseudonym in {row["learner"] for row in lake_rows(database, settings)}


def test_import_outcomes__corrected_by_a_second_file__shows_the_correction(
    momentum, database, settings, tmp_path, place
):
    header = "learner,day,value"
    first = written(tmp_path, "a.csv", header, "ada,2026-03-01,5", "ben,2026-03-01,1,")
    lines = ("ada,2026-03-01,7", "ada,2026-03-01,6", "ada,2026-03-01,6")
    second = written(tmp_path, "b.csv", header, *lines)
    words = (*PLACE, "--fixed", "name=quota_attainment")
    momentum("import", "outcomes", str(first), *words)

    dry = momentum("import", "outcomes", str(second), *words, "--dry-run")
    done = momentum("import", "outcomes", str(second), *words)

    shown = {row["kind"]: row["value"] for row in lake_rows(database, settings)}
    assert "3 rows: 2 outcomes would be taken, 1 there already" in dry.text
    assert "3 rows: 2 outcomes were taken, 1 there already" in done.text
    assert shown == {"outcome:quota_attainment": 6.0}


def test_import_learners__from_parquet__describes_them(
    momentum, database, settings, tmp_path, place
):
    path = tmp_path / "people.parquet"
    at = datetime(2026, 1, 5)  # noqa: DTZ001 - as warehouses write it
    people = {
        "id": pa.array([1017, 1018]),
        "learner": pa.array([17.0, 18.0]),
        "at": [at, at],
        "role": ["rep", "x" * 300],
        "manager": ["18", None],
        "started_on": [date(2025, 1, 7), None],
    }
    pq.write_table(pa.table(people), path)
    words = ("import", "learners", str(path), *PLACE)

    naive = momentum(*words)
    done = momentum(*words, "--timezone", "Europe/Berlin")

    [row] = lake_rows(database, settings, "learners")
    [refused] = [
        json.loads(line)
        for line in (tmp_path / "people.parquet.refused.jsonl").read_text().splitlines()
    ]
    pseudonyms = Pseudonyms(place.pseudonym_key)
    assert "has no time zone" in naive.text
    assert "2 rows: 1 learners were taken, 0 there already, 1 were refused." in done.text
    assert (row["event_id"], row["learner"]) == ("1017", pseudonyms.learner("17"))
    assert (row["manager"], row["started_on"]) == (pseudonyms.learner("18"), date(2025, 1, 7))
    assert row["described_at"] == datetime(2026, 1, 4, 23, tzinfo=UTC)
    assert (refused["row"], refused["field"]) == (2, "attributes.role")
    assert refused["original"]["started_on"] is None


@pytest.mark.parametrize("after", ["report", "commit"])
def test_import__interrupted_at_any_batch__goes_on_and_repeats_nothing(
    database, settings, tmp_path, place, monkeypatch, after
):
    monkeypatch.setattr(service, "BATCH_ROWS", 7)
    path = written(tmp_path, "log.csv", "learner,kind,at,value", *event_lines(40, bad={1, 16, 30}))
    asked = FileWish(path, Wish({}, {}))
    state = State(settings=settings, database=database)
    left = [2]

    def stop_soon(*_args):
        left[0] -= 1
        if left[0] < 0:
            left[0] = 1
            raise PulledPlugError

    def run():
        return run_import(state, place, EVENTS, asked, stop_soon if after == "commit" else _silent)

    if after == "report":
        step = service._step

        def torn(session, run, values, n_rows):
            step(session, run, values, n_rows)
            stop_soon()  # the report is written, the transaction is not committed

        monkeypatch.setattr(service, "_step", torn)

    done = None
    for _ in range(20):
        with suppress(PulledPlugError):
            done = run()
            break

    report = report_rows(tmp_path / "log.csv.refused.csv")
    assert (done.n_rows, done.n_accepted, done.n_duplicates, done.n_refused) == (40, 37, 0, 3)
    assert [row["row"] for row in report] == ["2", "17", "31"]
    assert len(lake_rows(database, settings)) == 37


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_import__report_cannot_be_written__says_so_and_goes_on_later(momentum, tmp_path, place):
    path = written(tmp_path, "log.csv", "learner,kind,at,value", *event_lines(3, bad={1}))
    in_the_way = tmp_path / "log.csv.refused.csv"
    in_the_way.mkdir()

    stopped = momentum("import", "events", str(path), *PLACE)
    in_the_way.rmdir()
    done = momentum("import", "events", str(path), *PLACE)

    assert "cannot be written" in stopped.refusal
    assert "2 events were taken, 0 there already, 1 were refused" in done.text


def _silent(_position, _total):
    pass


def test_import__audit__says_how_many_and_no_learner(momentum, database, tmp_path, place):
    path = written(tmp_path, "log.csv", "learner,kind,at,value", *event_lines(2))

    momentum("import", "events", str(path), *PLACE)

    with database.read() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "import.finish")).one()
    assert (entry.resource, entry.after["n_accepted"]) == ("import:production", 2)
    assert "learner-0" not in str(entry.after)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("name", "content", "words", "said"),
    [
        ("f.csv", "", (), "is empty"),
        ("f.xlsx", "PK", (), "--format: csv, jsonl, parquet"),
        ("f.csv", "a,b\n1,2\n", (), "no column for learner, kind, at. It has: a, b."),
        ("f.csv", "a\n", ("--column", "learner"), "expected FIELD="),
        ("f.csv", "a\n", ("--timezone", "Mars/Base"), "for example Europe/Berlin"),
        ("f.csv", "a\n", ("--timezone", "Europe"), "for example Europe/Berlin"),
        ("f.csv", "a\n", ("--timezone", ""), "for example Europe/Berlin"),
        ("f.csv", "a\n", ("--delimiter", "ab"), "--delimiter is one character"),
        ("f.csv", "a\n", ("--delimiter", ""), "--delimiter is one character"),
        ("f.csv", "a\n", ("--delimiter", '"'), "--delimiter is one character"),
        ("f.csv", "a\n", ("--encoding", "hex"), "unknown encoding 'hex'"),
        ("f.csv", "a\n", ("--encoding", "rot13"), "unknown encoding 'rot13'"),
        ("f.csv", "a\n", ("--encoding", ""), "unknown encoding ''"),
        ("f.jsonl", "{}\n", ("--delimiter", ";"), "jsonl has no delimiter"),
        ("f.parquet", "PAR1", ("--encoding", "latin-1"), "Parquet has no encoding"),
        ("f.csv", "a\n", ("--environment", "nowhere"), "nowhere"),
    ],
)
def test_import__that_cannot_begin__says_what_would_be_right(
    momentum, tmp_path, place, name, content, words, said
):
    path = tmp_path / name
    path.write_text(content)

    done = momentum(
        "import", "events", str(path), *(words if PLACE[0] in words else (*PLACE, *words))
    )

    assert done.code == 2
    assert said in done.refusal


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_import__missing_file__says_so(momentum, tmp_path, place):
    done = momentum("import", "events", str(tmp_path / "gone.csv"), *PLACE)

    assert "no such file" in done.refusal


GOOD = {"learner": "ben", "kind": "sale", "at": AT}
FAR = 10**18  # microseconds since 1970: the year 33,658
DEEP = '{"x":' + "[" * 900 + "]" * 900 + "}"
FAR_TIMES = {
    "naive": pa.array([FAR, 0], pa.timestamp("us")),
    "in UTC": pa.array([FAR, 0], pa.timestamp("us", "UTC")),
    "in seconds": pa.array([10**15, 0], pa.timestamp("s", "UTC")),
    "days": pa.array([10**7, 0], pa.int32()).cast(pa.date32()),
    "days in milliseconds": pa.array([86_400_000 * 10**7, 0], pa.int64()).cast(pa.date64()),
    "of a dictionary": pa.array([FAR, 0], pa.timestamp("us")).dictionary_encode(),
    "in no zone that there is": pa.array([FAR, 0], pa.timestamp("us", "Mars/Base")),
    "text that is no UTF-8": pa.Array.from_buffers(
        pa.string(),
        2,
        [
            None,
            pa.py_buffer(bytes([0] * 4 + [1] + [0] * 3 + [2] + [0] * 3)),
            pa.py_buffer(b"\xff\xfe"),
        ],
    ),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("at", FAR_TIMES.values(), ids=FAR_TIMES)
def test_import__parquet_value_that_python_cannot_hold__refuses_its_row_by_column(
    momentum, tmp_path, place, at
):
    path = tmp_path / "f.parquet"
    both = {"learner": ["ada", "ben"], "kind": ["sale", "sale"]}
    pq.write_table(pa.table({**both, "at": at}), path)

    done = momentum("import", "events", str(path), *PLACE, "--timezone", "UTC")

    first, second = (
        json.loads(line) for line in (tmp_path / "f.parquet.refused.jsonl").read_text().splitlines()
    )
    assert done.code == 0
    assert (first["row"], first["field"], first["original"]["learner"]) == (1, "at", "ada")
    assert "cannot be read" in first["reason"]
    assert (second["row"], second["field"]) == (2, "at")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("name", "lines", "field"),
    [
        ("f.jsonl", [json.dumps({**GOOD, "properties": 0}).replace(": 0}", f": {DEEP}}}")], "row"),
        ("f.csv", ['"ada"x,sale,' + AT], "row"),
        ("f.csv", ["x" * 1_500_000 + ",sale," + AT], "row"),
        ("f.csv", ["a\x00da,sale," + AT], "learner"),
        ("f.csv", ["ada,sale,0001-01-01"], "at"),
        ("f.csv", ["ada,sale,9999-12-31T23:59:59"], "at"),
    ],
    ids=["deep", "quote", "huge", "NUL", "first day", "last day"],
)
def test_import__odd_row__is_refused_alone_and_the_next_is_taken(
    momentum, database, settings, tmp_path, place, name, lines, field
):
    good = [json.dumps(GOOD)] if name == "f.jsonl" else [",".join(GOOD.values())]
    head = [] if name == "f.jsonl" else [",".join(GOOD)]
    path = written(tmp_path, name, *head, *lines, *good)

    done = momentum("import", "events", str(path), *PLACE, "--timezone", "America/New_York")

    assert done.code == 0, done.refusal
    assert f"row 1: {field} " in done.text
    assert "2 rows: 1 events were taken, 0 there already, 1 were refused" in done.text
    assert len(lake_rows(database, settings)) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "values",
    [[b"\xff"], pa.array([7], pa.duration("ns"))],
    ids=["bytes", "duration"],
)
def test_import__property_that_json_has_not__is_refused_by_name(momentum, tmp_path, place, values):
    path = tmp_path / "f.parquet"
    pq.write_table(
        pa.table({**{name: [value] for name, value in GOOD.items()}, "properties.x": values}), path
    )

    done = momentum("import", "events", str(path), *PLACE)

    assert "row 1: properties.x is" in done.text


def test_import__file_name_that_is_no_utf_8__is_imported(settings, database, tmp_path, place):
    path = written(tmp_path, os.fsdecode(b"caf\xe9.csv"), "learner,kind,at", f"ada,sale,{AT}")
    state = State(settings=settings, database=database)

    done = run_import(state, place, EVENTS, FileWish(path, Wish({}, {})), _silent)

    assert done.n_accepted == 1
