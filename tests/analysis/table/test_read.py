import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from analysis.results import Verdict
from analysis.table.analyze import analyze_table
from analysis.table.request import TableRequest
from tests.analysis.table.test_analyze import REQUEST, columns, refusal


def test_analyze__units_that_look_like_numbers__keep_their_zeros(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("learner,arm,score\n01,a,1\n1,a,2\n001,b,4\n0001,b,6\n")

    analysis = analyze_table(path, TableRequest("learner", "arm", "a", ("score",)))

    assert analysis.estimates[0].effect == pytest.approx(3.5)


def test_analyze__dates_in_a_number_column__are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    data = {**columns(), "score": pa.array([0] * 400, type=pa.date32())}
    pa.parquet.write_table(pa.table(data), path)

    assert "expected numbers" in refusal(path)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("t.csv", b"", "the file is empty"),
        ("t.parquet", b"PAR1 not really", "cannot be read"),
        ("t.csv", b"\xff\xfe\x00\x01 garbage", ""),
        ("t.xlsx", b"PK", "expected .csv or .parquet"),
    ],
)
def test_analyze__unreadable_file__is_refused_in_one_line(tmp_path, name, content, expected):
    path = tmp_path / name
    path.write_bytes(content)

    assert expected in refusal(path)


def test_analyze__missing_file_or_directory__is_refused(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.csv")
    assert "not a file" in refusal(tmp_path)


def test_analyze__brackets_in_the_name__read_this_file_and_no_other(tmp_path):
    pa.csv.write_csv(pa.table(columns(effect=-12.0)), tmp_path / "data1.csv")
    path = tmp_path / "data[1].csv"
    pa.csv.write_csv(pa.table(columns(effect=12.0)), path)

    assert analyze_table(path, REQUEST).decision.verdict is Verdict.SHIP


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learner,arm,score\nu1,control,1\nu2,double,2,9,9,9\n", "Line: 3; Expected Number"),
        ("learner,arm,score\nu1,control,1\nu2\n", "Line: 3; Expected Number"),
        ('learner,arm,score\nu1,control,1\n"u2,double,2\n', "Line: 3; Value with unterminated"),
        ("learner,arm,score,score\nu1,control,1,2\n", "2 columns 'score'"),
        ("\n\n", "the first line is empty"),
    ],
)
def test_analyze__broken_csv__is_refused_with_its_line(tmp_path, text, expected):
    path = tmp_path / "t.csv"
    path.write_text(text)

    assert expected in refusal(path)


def test_analyze__latin_letters_in_another_encoding__says_which_is_right(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("learner,arm,score\nu1,dôuble,1\n".encode("latin-1"))

    assert "UTF-8" in refusal(path)


def test_analyze__lines_that_begin_with_a_hash__are_units_like_others(tmp_path):
    path = tmp_path / "t.csv"
    data = columns()
    pa.csv.write_csv(pa.table({**data, "learner": [f"#{i}" for i in range(400)]}), path)

    assert analyze_table(path, REQUEST).estimates[0].n == 200


def test_analyze__columns_that_differ_in_case__are_told_apart(tmp_path):
    path = tmp_path / "t.csv"
    data = columns()
    pa.csv.write_csv(pa.table({"Score": data["sales"], **data}), path)

    found = analyze_table(path, REQUEST).estimates[0]

    assert found.mean == pytest.approx(data["score"][data["arm"] == "double"].mean())


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_analyze__another_separator_and_a_byte_order_mark__reads_the_same(tmp_path, separator):
    data = columns()
    plain = tmp_path / "plain.csv"
    pa.csv.write_csv(pa.table(data), plain)
    path = tmp_path / "other.CSV"
    path.write_text("\ufeff" + plain.read_text().replace(",", separator).replace("\n", "\r\n"))

    assert analyze_table(path, REQUEST).to_json() == analyze_table(plain, REQUEST).to_json()
