"""Bad input, as a table: what is wrong, what was asked, and what the one line has to say."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from experiment_server.commands import analyze

N = 240
PLAIN = ("--metric", "score")


def rows():
    rng = np.random.default_rng(4)
    arm = np.array(["control", "double"])[np.arange(N) % 2]
    return pd.DataFrame(
        {
            "learner": [f"l{i:03d}" for i in range(N)],
            "arm": arm,
            "score": rng.normal(50, 10, N).round(3) + 2 * (arm == "double"),
            "before": rng.normal(50, 10, N).round(3),
            "sales": rng.poisson(3, N),
            "visits": rng.poisson(3, N) + 1,
            "days": rng.integers(1, 28, N),
            "finished": rng.integers(0, 2, N),
            "team": [f"t{i % 24}" for i in range(N)],
            "role": np.array(["nurse", "seller"])[(np.arange(N) // 2) % 2],
            "note": ["text"] * N,
        }
    )


def with_one(name, row, value):
    def change(frame):
        changed = frame.astype({name: object})
        changed.loc[row, name] = value
        return changed

    return change


def one_unit_in_an_arm(frame):
    return frame[(frame.arm == "control") | (frame.index == 1)]


def five_clusters(frame):
    return frame.assign(team=np.where(frame.arm == "control", "t0", "t" + frame.learner.str[-1]))


# what is wrong -> (how the rows change, options, what the line says)
REFUSED = {
    "no variance": (lambda f: f.assign(score=7), PLAIN, "every unit has the same outcome"),
    "no variance within": (
        lambda f: f.assign(score=(f.arm == "double") * 2),
        PLAIN,
        "differs between variants but not within one",
    ),
    "one unit in an arm": (one_unit_in_an_arm, PLAIN, "fewer than two units.*double has 1"),
    "one arm": (lambda f: f.assign(arm="control"), PLAIN, "found only control"),
    "all missing": (lambda f: f.assign(score=None), PLAIN, "score: every one of 240 rows is empty"),
    "infinite": (with_one("score", 3, math.inf), PLAIN, r"'inf' \(unit l003\).*finite"),
    "too large": (with_one("score", 3, 1e99), PLAIN, "expected a finite number"),
    "text": (lambda f: f, ("--metric", "note"), "note: found 'text'"),
    "denominators of 0": (
        lambda f: f.assign(visits=0),
        ("--ratio", "sales/visits"),
        "nobody in a variant has anything below the ratio's line; .*choose a denominator",
    ),
    "denominators around 0": (
        lambda f: f.assign(visits=np.where(np.arange(N) % 2, 1, -1) * np.arange(N)),
        ("--ratio", "sales/visits"),
        "too near 0 to divide by",
    ),
    "clusters: one in an arm": (
        five_clusters,
        (*PLAIN, "--cluster", "team"),
        "fewer than two.*control has 1",
    ),
    "clusters across variants": (
        lambda f: f.assign(team=[f"t{i // 10}" for i in range(N)]),
        (*PLAIN, "--cluster", "team"),
        "it is not what was randomised",
    ),
    "unknown metric": (lambda f: f, ("--metric", "scor"), "no column 'scor'.*did you mean 'score'"),
    "unknown covariate": (lambda f: f, (*PLAIN, "--covariate", "befor"), "did you mean 'before'"),
    "unknown stratum": (lambda f: f, (*PLAIN, "--strata", "rol"), "did you mean 'role'"),
    "unknown segment": (lambda f: f, (*PLAIN, "--segment", "rol"), "did you mean 'role'"),
    "unknown guardrail": (lambda f: f, (*PLAIN, "--guardrail", "sale:1"), "did you mean 'sales'"),
    "unknown cluster": (lambda f: f, (*PLAIN, "--cluster", "teem"), "did you mean 'team'"),
    "a metric twice": (lambda f: f, (*PLAIN, "--metric", "score"), "named twice"),
    "no metric": (lambda f: f, (), "--metric: found none"),
    "guardrails only": (lambda f: f, ("--guardrail", "sales:1"), "name what the decision is about"),
    "margin below 0": (lambda f: f, (*PLAIN, "--guardrail", "sales:-1"), "margin of 0 or more"),
    "margin no number": (lambda f: f, (*PLAIN, "--guardrail", "sales:x"), "COLUMN:MARGIN"),
    "co-primary without an effect": (
        lambda f: f,
        (*PLAIN, "--co-primary", "sales"),
        "COLUMN:EFFECT",
    ),
    "co-primary of no end": (
        lambda f: f,
        (*PLAIN, "--co-primary", "sales:inf:decrease"),
        "found inf as the smallest difference of sales.*a number above 0",
    ),
    "co-primary of 0": (lambda f: f, (*PLAIN, "--co-primary", "sales:0"), "above 0"),
    "co-primary only": (
        lambda f: f,
        ("--co-primary", "sales:1"),
        "--co-primary: found no other outcome",
    ),
    "three co-primaries": (
        lambda f: f,
        (*PLAIN, *(x for c in ("sales", "visits", "days") for x in ("--co-primary", f"{c}:1"))),
        "--co-primary: found 3, expected at most 2",
    ),
    "primary as co-primary": (lambda f: f, (*PLAIN, "--co-primary", "score:1"), "named twice"),
    "unknown co-primary": (lambda f: f, (*PLAIN, "--co-primary", "sale:1"), "did you mean 'sales'"),
    "three sides": (lambda f: f, (*PLAIN, "--sides", "three"), "--sides: found 'three'"),
    "half a ratio": (lambda f: f, ("--ratio", "sales"), "ABOVE/BELOW"),
    "quantile of 1": (lambda f: f, ("--quantile", "score:1"), "between 0 and 1"),
    "quantile far out": (lambda f: f, ("--quantile", "score:0.999"), "too few values lie beyond"),
    "half a time": (lambda f: f, ("--survival", "days"), "DURATION,EVENT"),
    "duration below 0": (
        with_one("days", 0, -2),
        ("--survival", "days,finished"),
        r"days: found -2 \(unit l000\), expected a duration of 0 or more",
    ),
    "event of 2": (
        with_one("finished", 0, 2),
        ("--survival", "days,finished"),
        "finished: found 2",
    ),
    "horizon out of sight": (
        lambda f: f.assign(finished=0),
        ("--survival", "days,finished,900"),
        "watched as long as the horizon; .*shorter",
    ),
    "look 6 of 5": (lambda f: f, (*PLAIN, "--sequential", "6/5"), "found look 6 of 5"),
    "look of words": (lambda f: f, (*PLAIN, "--sequential", "two"), "LOOK/LOOKS, such as 2/5"),
    "a million looks": (
        lambda f: f,
        (*PLAIN, "--sequential", "1/1000000"),
        "found 1000000 planned looks, expected at most 100",
    ),
    "looks without end": (lambda f: f, (*PLAIN, "--sequential", "1/" + "9" * 5000), "such as 2/5"),
    "looks without a look": (lambda f: f, (*PLAIN, "--looks", "5"), "which one is it"),
    "looks that contradict": (
        lambda f: f,
        (*PLAIN, "--looks", "4", "--sequential", "2/5"),
        "expected 5, as in --sequential",
    ),
    "information that shrinks": (
        lambda f: f,
        (*PLAIN, "--looks", "5", "--information", "0.4,0.2"),
        "growing shares",
    ),
    "information of a word": (
        lambda f: f,
        (*PLAIN, "--looks", "5", "--information", "half"),
        "growing shares",
    ),
    "information for other looks": (
        lambda f: f,
        (*PLAIN, "--sequential", "3/5", "--information", "0.2"),
        "one for each look so far: 3",
    ),
    "unknown spending": (
        lambda f: f,
        (*PLAIN, "--sequential", "2/5", "--spending", "all"),
        "--spending: found 'all'; use one of obrien_fleming",
    ),
    "weights beyond a double": (
        lambda f: f,
        (*PLAIN, "--weights", "control=1e308,double=1e308"),
        r"--weights: found 1e\+308 for control",
    ),
    "weight next to nothing": (
        lambda f: f,
        (*PLAIN, "--weights", "control=1e-300,double=1"),
        "--weights: found 1e-300 for control",
    ),
    "spending of one look": (lambda f: f, (*PLAIN, "--spending", "pocock"), "add --sequential"),
    "margin of nothing": (lambda f: f, (*PLAIN, "--margin", "1"), "add --guardrail"),
    "cap in percent": (lambda f: f, (*PLAIN, "--cap", "99"), "--cap: found 99"),
    "unknown take-up": (lambda f: f, (*PLAIN, "--took", "finish"), "did you mean 'finished'"),
    "one factor": (lambda f: f, (*PLAIN, "--factor", "role"), "--factor: found role, expected two"),
    "alpha of 5": (lambda f: f, (*PLAIN, "--alpha", "5"), "--alpha: found 5"),
    "alpha nan": (lambda f: f, (*PLAIN, "--alpha", "nan"), "--alpha: found nan"),
    "prior of 0": (lambda f: f, (*PLAIN, "--prior", "0"), "--prior: found 0"),
    "prior inf": (lambda f: f, (*PLAIN, "--prior", "inf"), "--prior: found inf"),
    "direction sideways": (lambda f: f, (*PLAIN, "--direction", "up"), "increase, decrease or"),
    "direction of another": (
        lambda f: f,
        (*PLAIN, "--direction", "sales=decrease"),
        "one of score",
    ),
    "title of nothing": (lambda f: f, (*PLAIN, "--title", "Score"), "NAME=TITLE"),
    "strata and clusters": (
        lambda f: f,
        (*PLAIN, "--strata", "role", "--cluster", "team"),
        "--strata: cannot be joined with --cluster",
    ),
    "segments and clusters": (
        lambda f: f,
        (*PLAIN, "--segment", "role", "--cluster", "team"),
        "--segment: cannot be joined with --cluster",
    ),
    "a segment of one level": (lambda f: f, (*PLAIN, "--segment", "note"), "note has 1 different"),
    "a segment of numbers": (
        lambda f: f,
        (*PLAIN, "--segment", "before"),
        "numbers into bands",
    ),
    "the outcome as covariate": (
        lambda f: f.assign(copy=f.score),
        (*PLAIN, "--covariate", "copy", "--covariate", "before"),
        "explains the outcome without remainder",
    ),
}


@pytest.fixture
def run(tmp_path):
    app = typer.Typer()
    analyze.register(app)

    def invoke(frame, *options):
        path = tmp_path / "table.csv"
        frame.to_csv(path, index=False)
        columns = ["--unit", "learner", "--variant", "arm", "--control", "control"]
        return CliRunner().invoke(app, [str(path), *columns, *options])

    return invoke


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input__every_case__is_one_line_that_says_what_to_do(run, case):
    change, options, expected = REFUSED[case]

    result = run(change(rows()), *options)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert re.search(expected, result.stderr), result.stderr


def test_three_clusters__in_an_arm__names_no_winner(run):
    frame = rows()
    frame["team"] = frame.arm + (np.arange(N) // 2 % 3).astype(str)
    frame["score"] += 40 * (frame.arm == "double")

    plain = json.loads(run(frame, *PLAIN, "--cluster", "team", "--json").stdout)

    assert plain["decision"] == "REVIEW"
    assert plain["rule"] == "too-few-teams"
    check = next(each for each in plain["health"] if each["name"] == "enough_units")
    assert not check["passed"]


@pytest.mark.parametrize(
    "options",
    [
        (*PLAIN, "--guardrail", "flat:1"),
        (*PLAIN, "--segment", "mostly", "--covariate", "before"),
        (*PLAIN, "--strata", "mostly"),
        (*PLAIN, "--prior", "1e-30"),
        (*PLAIN, "--prior", "1e-300"),
        (*PLAIN, "--prior", "1e-300", "--segment", "mostly"),
        (*PLAIN, "--sequential", "1/100"),
        (*PLAIN, "--sequential", "1/28", "--information", "0.0001"),
        ("--survival", "days,finished"),
    ],
    ids=[
        "flat guardrail",
        "segment of one",
        "stratum of one",
        "tiny prior",
        "tiniest prior",
        "its segments",
        "hundred looks",
        "early",
        "time",
    ],
)
def test_odd_input__that_can_be_analysed__has_no_nan_anywhere(run, options):
    frame = rows().assign(flat=3)
    frame["mostly"] = np.where(frame.index == 0, "rare", np.where(frame.index % 3, "a", "b"))

    result = run(frame, *options, "--json")

    assert result.exit_code == 0, result.stderr
    assert "NaN" not in result.stdout
    assert "Infinity" not in result.stdout
    assert json.loads(result.stdout)["decision"]
