"""What docs/howto/notebook.md tells an analyst to type works as it stands there."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import analysis

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "notebook.md"
PLAN = analysis.Plan("learner", "arm", "plain", ("score",), segments=("role",))


@pytest.fixture
def learners():
    rng = np.random.default_rng(2)
    n = 600
    arm = np.array(["plain", "double"])[np.arange(n) % 2]
    return pd.DataFrame(
        {
            "learner": np.arange(n),
            "arm": arm,
            "role": np.array(["nurse", "seller", "driver"])[np.arange(n) % 3],
            "score": rng.normal(50, 10, n) + 5 * (arm == "double"),
        }
    )


def test_notebook_page__its_code__runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {}

    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)

    printed = capsys.readouterr().out
    assert printed.startswith("SHIP")
    assert "every unit has the same outcome" in printed
    assert names["by_role"].omnibus.p_value < 0.001
    assert names["early"].decision.verdict == "KEEP RUNNING"
    # Lan-DeMets, O'Brien-Fleming, two-sided 0.05, second of five even looks: rpact says 3.3569.
    assert names["early"].sequential.boundary_z == pytest.approx(3.3569, abs=1e-3)
    assert (tmp_path / "effects.html").stat().st_size > 1_000


def test_readout__any_kind_of_table__gives_the_same_digits(learners, tmp_path):
    path = tmp_path / "learners.parquet"
    learners.to_parquet(path)
    tables = [
        learners,
        learners.assign(arm=learners.arm.astype("category")),
        learners.sample(frac=1, random_state=1),
        pa.Table.from_pandas(learners),
        ibis.memtable(learners),
        path,
        str(path),
    ]

    found = [analysis.readout(table, PLAN).to_json() for table in tables]

    assert all(each == found[0] for each in found)


def test_readout__something_else__is_refused():
    with pytest.raises(analysis.TableError, match="found list, expected a path or a table"):
        analysis.readout([1, 2], PLAN)


def test_analysis__asked_for_what_it_has_not__says_so():
    with pytest.raises(AttributeError, match="no attribute 'winner'"):
        _ = analysis.winner


def test_analysis__imported_for_notebooks__loads_no_engine_until_asked():
    heavy = "{'ibis', 'pymc', 'altair', 'duckdb', 'scipy', 'pandas'}"
    code = (
        f"import sys, analysis; early = {heavy} & set(sys.modules); analysis.Plan;"
        " sys.exit(' '.join(early | ({'pymc', 'altair'} & set(sys.modules))))"
    )

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert run.stderr.strip() == ""


@pytest.mark.parametrize("width", [80, 120])
def test_summary__any_width__fits_it(learners, width):
    plan = replace(
        PLAN,
        titles={"double": "Double points for every streak of a week"},
        outcomes=(analysis.mean("score", title="Energize Score after four weeks"),),
    )

    text = analysis.readout(learners, plan).summary(width)

    assert max(map(len, text.splitlines())) <= width
    assert "(double)" in text
    assert "By role" in text


def test_plot__outcomes_and_segments__are_a_panel_each(learners):
    found = analysis.readout(learners, PLAN)

    chart = found.plot().to_dict()

    assert len(chart["vconcat"]) == 2
    points = [
        row for data in chart["vconcat"][0]["layer"] for row in data["data"].get("values", ())
    ]
    shown = [row["effect"] for row in points if "effect" in row]
    assert shown[0] == found.estimates[0].effect
