"""Files as people export them: every row is read or named, and what cannot be read is said."""

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiment_server.imports.parquet_files import open_parquet
from experiment_server.imports.text_files import open_csv, open_json_lines
from experiment_server.problems import Problem

CSV = "learner,kind\nZoë,sale\nben,sale\n"
ROWS = [{"learner": "Zoë", "kind": "sale"}, {"learner": "ben", "kind": "sale"}]


def written(folder, content, name="f.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read_csv(path, encoding=None, delimiter=None):
    with open_csv(path, encoding, delimiter) as source:
        return list(source.rows)


def read_json(path):
    with open_json_lines(path, None) as source:
        return source.columns, list(source.rows)


AS_WRITTEN = {
    "plain": CSV.encode(),
    "with a mark": b"\xef\xbb\xbf" + CSV.encode(),
    "UTF-16": CSV.encode("utf-16"),
    "gzipped": gzip.compress(CSV.encode()),
    "of Windows": CSV.replace("\n", "\r\n").encode(),
    "with semicolons": CSV.replace(",", ";").encode(),
    "with tabs": CSV.replace(",", "\t").encode(),
    "with blank lines": CSV.replace("\n", "\n\n").encode(),
    "without a last line end": CSV.rstrip("\n").encode(),
    "quoted": '"learner","kind"\n"Zoë","sale"\n"ben","sale"\n'.encode(),
}
BROKEN = {
    "blank": (b"\n\n", "is empty"),
    "a column twice": (b"a,a\n1,2\n", "two columns are called 'a'"),
    "an open quote": (b'a,b\n"1,2\n', "not CSV"),
    "cut gzip": (gzip.compress(CSV.encode() * 1000)[:-20], "gzip file is damaged"),
    "no gzip": (b"\x1f\x8bnonsense", "gzip file is damaged"),
}


@pytest.mark.parametrize("content", AS_WRITTEN.values(), ids=AS_WRITTEN)
def test_csv__as_programs_write_it__gives_its_rows(tmp_path, content):
    rows = read_csv(written(tmp_path, content))

    assert [row.values for row in rows] == ROWS
    assert [row.number for row in rows] == [1, 2]


def test_csv__other_encoding__is_read_when_it_is_said(tmp_path):
    path = written(tmp_path, CSV.encode("latin-1"))

    assert [row.values for row in read_csv(path, "latin-1")] == ROWS
    with pytest.raises(Problem, match=r"not UTF-8.*--encoding latin-1"):
        read_csv(path)
    with pytest.raises(Problem, match="unknown encoding 'klingon'"):
        read_csv(path, "klingon")


def test_csv__rows_that_are_too_short_or_long__are_named_and_the_others_read(tmp_path):
    rows = read_csv(written(tmp_path, 'a,b\n1\n1,"x\ny"\n1,2,3\n'))

    assert [row.problem and row.problem[1] for row in rows] == [
        "has 1 values where the header has 2",
        None,
        "has 3 values where the header has 2",
    ]
    assert rows[1].values == {"a": "1", "b": "x\ny"}
    assert rows[2].original == ["1", "2", "3"]


def test_csv__split_at_a_tab_as_shells_write_it__gives_its_rows(tmp_path):
    path = written(tmp_path, CSV.replace(",", "\t"))

    assert [row.values for row in read_csv(path, delimiter="\\t")] == ROWS


def test_csv__line_that_is_too_long__is_refused_though_its_beginning_fits(tmp_path, monkeypatch):
    monkeypatch.setattr("experiment_server.imports.text_files.MAX_ROW", 10)
    rows = read_csv(written(tmp_path, "a,b\n1,23456789012345678901234567890\n1,2\n"))

    assert [row.values for row in rows] == [None, {"a": "1", "b": "2"}]
    assert "is longer than 10 characters" in rows[0].problem[1]


def test_csv__quote_that_may_have_eaten_other_rows__stops_and_names_the_row(tmp_path):
    path = written(tmp_path, 'a,b\n1,2\n"1,2\n3,4\n"x,5\n')

    with pytest.raises(Problem, match="row 2: "):
        read_csv(path)


@pytest.mark.parametrize(("content", "said"), BROKEN.values(), ids=BROKEN)
def test_csv__that_cannot_be_read__says_why(tmp_path, content, said):
    with pytest.raises(Problem, match=said):
        read_csv(written(tmp_path, content))


def test_json_lines__good_and_bad_lines__are_numbered_alike(tmp_path):
    text = '\ufeff{"learner":"Zoë"}\n\n[1]\n{"learner":\n{"kind":"sale"}'
    columns, rows = read_json(written(tmp_path, text, "f.jsonl"))

    assert columns == ("learner", "kind")
    assert [(row.number, row.values) for row in rows] == [
        (1, {"learner": "Zoë"}),
        (2, None),
        (3, None),
        (4, {"kind": "sale"}),
    ]
    assert rows[1].problem[1] == "is no JSON object"
    assert rows[2].original == '{"learner":'


def test_json_lines__very_long_line__is_refused_alone(tmp_path):
    long = '{"learner":"' + "x" * 3_000_000 + '"}'
    _columns, rows = read_json(written(tmp_path, f'{{"a":1}}\n{long}\n{{"a":2}}\n', "f.jsonl"))

    assert [row.values for row in rows] == [{"a": 1}, None, {"a": 2}]
    assert len(rows[1].original) == 200


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n \n", "is empty"),
        (b'[\n{"a":1},\n{"a":2}\n]', "jq -c"),
        ('{"a":1}'.encode("utf-16"), "are UTF-8"),
    ],
    ids=["blank", "array", "UTF-16"],
)
def test_json_lines__that_cannot_be_read__says_why(tmp_path, content, said):
    with pytest.raises(Problem, match=said):
        read_json(written(tmp_path, content, "f.jsonl"))


def test_parquet__its_types__become_what_json_has_too(tmp_path):
    path = tmp_path / "f.parquet"
    at = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    table = pa.table(
        {
            "learner": pa.array(["ada"]).dictionary_encode(),
            "at": pa.array([1_772_357_400_000_000_001], pa.timestamp("ns", "UTC")),
            "day": pa.array([date(2026, 3, 1)], pa.date64()),
            "value": pa.array([Decimal("12.50")]),
            "properties": [{"activity": "q-7"}],
        }
    )
    pq.write_table(table, path)

    with open_parquet(path) as source:
        [row] = source.rows

    assert row.values == {
        "learner": "ada",
        "at": at,
        "day": date(2026, 3, 1),
        "value": 12.5,
        "properties": {"activity": "q-7"},
    }


def test_parquet__a_column_twice__says_which(tmp_path):
    path = tmp_path / "f.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), path)

    with pytest.raises(Problem, match="two columns are called 'a'"), open_parquet(path):
        pass


def test_parquet__damaged__says_so(tmp_path):
    with (
        pytest.raises(Problem, match="cannot be read as Parquet"),
        open_parquet(written(tmp_path, b"PAR1 nonsense", "f.parquet")),
    ):
        pass
