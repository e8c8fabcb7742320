import json

import pytest
from typer.testing import CliRunner

from experiment_server.cli import app
from tests.analysis.lakes import Population, population_lake


@pytest.fixture
def momentum(tmp_path, database_url):
    """Run a command of ``momentum`` on the test's own store, with a made-up program's lake."""
    variables = {"MOMENTUM_DATA_DIR": str(tmp_path), "MOMENTUM_DATABASE_URL": database_url}
    population_lake(
        tmp_path / "lake" / "shop", Population(n_learners=400, days=84, weekly_hazard=0.02)
    )

    def run(*arguments):
        return CliRunner().invoke(app, arguments, env=variables)

    run("environment", "add", "shop")
    return run


AT = ["-e", "shop", "--as-of", "2026-05-25"]


def test_calibrate__a_made_up_program__keeps_its_promises(momentum):
    result = momentum("calibrate", *AT, "--metric", "active_days", "--splits", "300", "--json")

    plain = json.loads(result.stdout)
    found = plain["calibrations"][0]
    assert result.exit_code == 0
    assert plain["holds"]
    assert found["metric"] == "active_days"
    assert len(found["dates"]) == 4  # 84 days, two windows of 28: room for four, a week apart
    assert {"plain", "used", "looks", "teams", "teams_ignored"} <= {
        rate["rule"] for rate in found["rates"]
    }


def test_calibrate__people__read_a_table_and_what_was_left_out(momentum):
    result = momentum("calibrate", *AT, "--splits", "100", "--looks", "1")

    assert result.exit_code == 0
    assert "Active days (active_days)" in result.stdout
    assert "teams, as in the readout " in result.stdout
    assert "of the 5 dates" not in result.stdout
    assert "momentum energize calibrate --environment shop" in result.stderr
    assert "sales was not calibrated: Sales was the same for all" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-e", "shop", "--metric", "happiness"], "expected one of active_days"),
        (["-e", "nowhere"], "nowhere"),
    ],
)
def test_calibrate__what_is_not_there__is_refused(momentum, options, said):
    result = momentum("calibrate", *options)

    assert result.exit_code != 0
    assert said in str(result.exception.detail)


def test_calibrate__too_little_history__ends_with_two(momentum):
    result = momentum("calibrate", "-e", "shop", "--as-of", "2026-04-01", "--metric", "active_days")

    assert result.exit_code == 2
    assert "needs 56" in result.stderr
