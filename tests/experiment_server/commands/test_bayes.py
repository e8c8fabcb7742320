"""The command ``momentum bayes``."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from experiment_server.cli import app

RUNNER = CliRunner()


@pytest.fixture
def learners(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["variant,role,score"]
    for n in range(400):
        variant, role = ("plain", "bonus")[n % 2], ("nurse", "seller", "driver")[n % 3]
        lines.append(f"{variant},{role},{rng.normal(50 + 5 * (variant == 'bonus'), 10):.3f}")
    path = tmp_path / "learners.csv"
    path.write_text("\n".join(lines))
    return path


def run(learners, *more):
    wanted = ["--variant", "variant", "--control", "plain", "--treatment", "bonus"]
    wanted += ["--outcome", "score", "--by", "role"]
    return RUNNER.invoke(app, ["bayes", "segments", str(learners), *wanted, *more])


def test_bayes_segments__a_table__shows_each_segment_and_the_method(learners):
    answer = run(learners)

    assert answer.exit_code == 0
    assert all(role in answer.output for role in ("driver", "nurse", "seller"))
    assert "Exact on a grid" in answer.output


def test_bayes_segments__as_json__is_one_object(learners):
    found = json.loads(run(learners, "--json").output)

    assert [row["segment"] for row in found["segments"]] == ["driver", "nurse", "seller"]
    assert found["method"] == "grid"
    assert all(row["low"] < row["pooled"] < row["high"] for row in found["segments"])


def test_bayes_segments__less_is_better__turns_the_chance_around(learners):
    better, worse = (
        json.loads(run(learners, "--json", *more).output)["segments"][0]["p_better"]
        for more in ((), ("--less-is-better",))
    )

    assert worse == pytest.approx(1 - better, abs=1e-9)


def test_bayes_segments__unknown_column__is_refused_in_one_line(learners):
    answer = run(learners, "--by", "team")

    assert answer.exit_code == 2
    assert "no column 'team'" in answer.output


def test_bayes_segments__three_columns__are_refused(learners):
    answer = run(learners, "--by", "role", "--by", "role")

    assert answer.exit_code == 2
    assert "at most two" in answer.output


def test_bayes_check__grid__prints_calibration():
    answer = RUNNER.invoke(app, ["bayes", "check", "scores", "--rounds", "20", "--grid"])

    assert answer.exit_code == 0
    assert "scores, difference: 20 worlds" in answer.output


def test_bayes_check__unknown_model__is_refused():
    answer = RUNNER.invoke(app, ["bayes", "check", "novel"])

    assert answer.exit_code == 2
    assert "segments, scores" in answer.output
