import json

import pytest
import typer
from typer.testing import CliRunner

from experiment_server.commands import analyze

ROWS = ["learner,arm,score,sales"] + [
    f"l{i},{'double' if i % 2 else 'control'},{(i * 37) % 11 + 4 * (i % 2)},{i % 5}"
    for i in range(200)
]
COLUMNS = ["--unit", "learner", "--variant", "arm", "--control", "control"]


@pytest.fixture
def run(tmp_path):
    app = typer.Typer()
    analyze.register(app)
    path = tmp_path / "table.csv"

    def invoke(*options, rows=ROWS, columns=COLUMNS):
        path.write_text("\n".join(rows) + "\n")
        return CliRunner().invoke(app, [str(path), *columns, *options])

    return invoke


def test_analyze__json__prints_one_object(run):
    result = run("--outcome", "score", "--json")

    plain = json.loads(result.stdout)
    assert result.exit_code == 0
    assert plain["decision"] == "SHIP"
    assert plain["results"][0]["estimate"] > 0


@pytest.mark.parametrize(
    "outcomes", [["--outcome", "score", "--outcome", "sales"], ["--outcome", "score", "sales"]]
)
def test_analyze__several_outcomes__are_read_either_way(run, outcomes):
    plain = json.loads(run(*outcomes, "--json").stdout)

    assert [result["outcome"] for result in plain["results"]] == ["score", "sales"]


def test_analyze__people__read_a_decision_and_a_table(run):
    result = run("--outcome", "score")

    assert result.exit_code == 0
    assert result.stdout.startswith("SHIP")
    assert "Sample ratio" in result.stdout


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        (["--outcome", "none"], ROWS),
        (["--outcome", "arm"], ROWS),
        (["--outcome", "score", "--weights", "control"], ROWS),
        (["--outcome", "score"], ROWS[:1]),
        (["--outcome", "score"], [row.replace("double", "control") for row in ROWS]),
        (["--outcome", "score"], [ROWS[0]] + [f"l{i},{'ab'[i % 2]},1,1" for i in range(9)]),
    ],
)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_analyze__bad_input__is_one_line_and_exit_2(run, options, rows, form):
    result = run(*options, *form, rows=rows)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1


def test_analyze__names_that_look_like_markup__are_printed_as_they_are(run):
    rows = [row.replace("double", "[/red]").replace("score", "[bold]score") for row in ROWS]

    result = run("--outcome", "[bold]score", rows=rows)

    assert result.exit_code == 0
    assert result.stdout.count("[/red]") == 2  # in the reason and in the table
