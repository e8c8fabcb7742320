import csv
import json
from collections import Counter

import pytest
import typer
from typer.testing import CliRunner

from assignment.bucketing import namespace_filter
from experiment_server.commands import assign
from experiment_server.problems import Problem

ROLES = ("seller", "coach")
ROWS = ["unit,role,prior_days"] + [f"team-{n},{ROLES[n % 2]},{n % 7}" for n in range(60)]


@pytest.fixture
def run(tmp_path):
    app = typer.Typer()
    assign.register(app)
    source = tmp_path / "units.csv"

    def invoke(*options, rows=ROWS, out="lists.csv"):
        source.write_text("\n".join(rows) + "\n")
        path = tmp_path / out
        asked = [str(source), "--out", str(path), "--seed", "spring", *options]
        return CliRunner().invoke(app, asked), path

    return invoke


def read(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_assign__by_role_and_bins__writes_balanced_lists_and_shows_the_split(run):
    result, path = run("--strata", "role,prior_days:2", "--variants", "control=1,badge=2")

    rows = read(path)
    assert result.exit_code == 0, result.output
    assert len(rows) == 60
    assert Counter(row["variant"] for row in rows) == {"control": 20, "badge": 40}
    by_role = Counter((row["stratum"].split(",")[0], row["variant"]) for row in rows)
    assert by_role["role=seller", "badge"] in (19, 20, 21)
    assert "role=coach, prior_days=up to 3" in result.output
    assert "everybody" in result.output
    assert "60 units" in result.output


def test_assign__rows_in_another_order__writes_the_same(run):
    _, path = run("--strata", "role")
    first = path.read_text()
    _, path = run("--strata", "role", rows=[ROWS[0], *reversed(ROWS[1:])])

    assert path.read_text() == first


def test_assign__to_json__writes_the_body_that_the_api_takes(run):
    _, path = run(out="lists.json")

    items = json.loads(path.read_text())["items"]
    assert set(items[0]) == {"unit", "variant", "stratum"}
    assert Counter(item["variant"] for item in items) == {"control": 30, "badge": 30}


def test_assign__within_a_namespace__leaves_the_others_out(run):
    _, path = run("--namespace", "home:0:0.5")

    ring = namespace_filter("home", 0, 0.5)
    units = [row["unit"] for row in read(path)]
    assert 15 < len(units) < 45
    assert all(ring.admits(unit) for unit in units)


@pytest.mark.parametrize(
    ("options", "rows", "said"),
    [
        (["--strata", "planet"], ROWS, "planet"),
        (["--strata", "role:3"], ROWS, "number"),
        (["--strata", "prior_days:1"], ROWS, "bins"),
        (["--variants", "control=1,badge=x"], ROWS, "control=1,badge=1"),
        (["--variants", "control=1"], ROWS, "two variants"),
        (["--namespace", "home"], ROWS, "home:0:0.5"),
        ([], [*ROWS, ROWS[1]], "second time"),
        ([], [*ROWS, ",seller,1"], "row 62"),
        ([], [], "empty file"),
    ],
)
def test_assign__that_cannot_be_done__says_what_to_mend(run, options, rows, said):
    result, path = run(*options, rows=rows)

    assert isinstance(result.exception, Problem)
    assert said in result.exception.detail
    assert not path.exists()
