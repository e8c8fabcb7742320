import json

import pytest
import typer
from typer.testing import CliRunner

from analysis.sizing.design import PlannedDesign
from analysis.sizing.sizes import units_needed
from experiment_server.cli import app
from experiment_server.commands import size
from tests.analysis.lakes import Population, population_lake


@pytest.fixture
def run():
    alone = typer.Typer()
    size.register(alone)
    return lambda *options: CliRunner().invoke(alone, options)


@pytest.fixture
def momentum(tmp_path, database_url):
    """Run a command of ``momentum`` on the test's own store, with a made-up program's lake."""
    variables = {"MOMENTUM_DATA_DIR": str(tmp_path), "MOMENTUM_DATABASE_URL": database_url}
    population_lake(
        tmp_path / "lake" / "shop", Population(n_learners=400, days=84, weekly_hazard=0.02)
    )

    def invoke(*arguments):
        return CliRunner().invoke(app, arguments, env=variables)

    invoke("environment", "add", "shop")
    return invoke


PAST = ["--metric", "active_days", "-e", "shop", "--as-of", "2026-05-25"]


def test_size__typed_numbers__are_answered_without_a_store(run):
    result = run("--sd", "12", "--effect", "1", "--looks", "5", "--arms", "3", "--json")

    plain = json.loads(result.stdout)
    design = PlannedDesign(shares=(1 / 3,) * 3, looks=5)
    assert result.exit_code == 0
    assert plain["need"]["units"] == units_needed(1.0, 144.0, design).units
    assert plain["duration"] is None
    assert plain["history"] is None


def test_size__co_primaries__share_alpha_with_the_arms(run):
    options = ("--sd", "12", "--effect", "1", "--arms", "3", "--looks", "4")

    shared = json.loads(run(*options, "--co-primaries", "1", "--json").stdout)
    a_quarter = json.loads(run(*options, "--alpha", "0.025", "--json").stdout)
    words = run(*options, "--co-primaries", "1").stdout

    assert shared["need"] == a_quarter["need"]
    assert shared["design"]["co_primaries"] == 1
    assert "4 tests share alpha" in words


def test_size__margin__is_one_side_of_alpha(run):
    plain = json.loads(run("--share", "0.3", "--margin", "0.02", "--json").stdout)

    design = PlannedDesign(sides=1, alpha=0.025)
    assert plain["need"]["units"] == units_needed(0.02, 0.21, design).units


def test_size__people__read_units_days_and_what_is_found_sooner(run):
    result = run(
        "--sd", "12", "--effect", "2", "--team-size", "11", "--icc", "0.1",
        "--units-per-day", "4", "--window-days", "28",
    )  # fmt: skip

    assert "teams (about" in result.stdout
    assert "need 2.00 times as many learners" in result.stdout
    assert "found after  2 weeks: too few outcome windows are complete" in result.stdout
    assert "found after 12 weeks: 1.9" in result.stdout


def test_size__history__gives_spread_and_pace(momentum):
    result = momentum("size", *PAST, "--json")

    plain = json.loads(result.stdout)
    assert result.exit_code == 0
    assert plain["effect"] == 0.5  # the metric's smallest that matters
    assert plain["window_days"] == 28
    assert plain["history"]["n_learners"] > 300
    assert plain["spread"]["correlation"] > 0.4
    assert plain["detectable"]["12"] < plain["detectable"]["8"]


def test_size__history_with_typed_numbers__takes_what_was_typed(momentum):
    options = ["--sd", "3", "--correlation", "0", "--effect", "1", "--units-per-day", "10"]

    plain = json.loads(momentum("size", *PAST, *options, "--json").stdout)

    assert plain["need"]["units"] == units_needed(1.0, 9.0, PlannedDesign()).units
    assert plain["duration"]["days"] == pytest.approx(28 + plain["need"]["units"] / 10)


def test_size__history_by_team__counts_teams(momentum):
    plain = json.loads(momentum("size", *PAST, "--unit", "team", "--json").stdout)

    assert plain["unit_kind"] == "team"
    assert plain["n_learners"] > plain["need"]["units"] * 10
    assert plain["history"]["teams"]["n"] == 20


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sd", "12"], "--effect: found none"),
        (["--effect", "1"], "--sd, --share"),
        (["--sd", "12", "--share", "0.2", "--effect", "1"], "--sd, --share"),
        (["--sd", "12", "--effect", "1", "--icc", "0.1"], "--team-size, --icc"),
        (["--sd", "12", "--effect", "1", "--alpha", "2"], "--alpha"),
        (["--sd", "12", "--effect", "1", "--looks", "0"], "--looks"),
        (["--sd", "12", "--effect", "1", "--looks", "3", "--spending", "x"], "--spending"),
        (["--sd", "nan", "--effect", "1"], "--sd"),
        (["--sd", "12", "--effect", "nan"], "--effect"),
        (["--sd", "12", "--effect", "1e-9"], "--effect"),
        (["--sd", "12", "--margin", "-1"], "--margin"),
        (["--sd", "12", "--effect", "1", "--units-per-day", "0"], "--units-per-day"),
        (["--sd", "12", "--effect", "1", "--co-primaries", "3"], "--co-primaries: found 3"),
        (["--sd", "12", "--effect", "1", "--co-primaries", "-1"], "--co-primaries: found -1"),
        (["--sd", "12", "--margin", "1", "--co-primaries", "1"], "--co-primaries: found some"),
        (["--share", "1.2", "--effect", "0.1"], "--share"),
    ],
)
def test_size__what_no_experiment_has__ends_with_two_and_names_the_option(run, options, said):
    result = run(*options)

    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_size__too_little_history__is_refused(momentum):
    result = momentum("size", "--metric", "active_days", "-e", "shop", "--as-of", "2026-03-20")

    assert "needs 56" in result.exception.detail
