"""The import rules hold, the engine is standard library only, and light imports stay light."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("pymc", "pytensor", "altair", "vl_convert", "pyspark", "matplotlib", "statsmodels")


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_import_contracts__whole_house__are_kept() -> None:
    result = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        env={"PYTHONPATH": "sdk/python:.", "PATH": str(Path(sys.executable).parent)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout


def test_assignment__interpreter_without_site_packages__imports() -> None:
    result = run_python(
        "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import assignment"
    )

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "module", ["experiment_server.app", "analysis", "analysis.results", "analysis.answers"]
)
def test_import__web_and_results__leaves_heavy_packages_out(module: str) -> None:
    result = run_python(
        "-c", f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    )

    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.parametrize("module", ["analysis", "analysis.results", "analysis.answers"])
def test_import__shapes_that_cross_borders__need_no_engine(module: str) -> None:
    result = run_python(
        "-c",
        f"import sys, {module}; print([m for m in ('ibis','duckdb','scipy') if m in sys.modules])",
    )

    assert result.stdout.strip() == "[]", result.stderr
