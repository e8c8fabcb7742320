"""Each place for an extension: a file has a row in its table, and a page or section in the docs."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

# folder, the table in its __init__, what to read when this test fails
EXTENSION_POINTS = (
    ("analysis/metrics", "METRIC_KINDS"),
    ("analysis/methods", "METHODS"),
    ("analysis/checks", "CHECKS"),
    ("analysis/learning", "QUESTIONS"),
    ("dashboards/charts", "CHARTS"),
    ("experiment_server/experiments/designs", "DESIGNS"),
    ("experiment_server/ingest/standards", "STANDARDS"),
    ("experiment_server/notify/channels", "CHANNELS"),
)


def files_of(folder: str) -> list[str]:
    return sorted(
        path.stem for path in (ROOT / folder).glob("*.py") if not path.stem.startswith("_")
    )


def load(folder: str) -> ModuleType:
    return importlib.import_module(folder.replace("/", "."))


@pytest.mark.parametrize(("folder", "table"), EXTENSION_POINTS)
def test_extension_point__table__is_not_empty(folder: str, table: str) -> None:
    assert len(getattr(load(folder), table)) > 0


@pytest.mark.parametrize(("folder", "table"), EXTENSION_POINTS)
def test_extension_point__each_file__is_imported_by_its_table(folder: str, table: str) -> None:
    text = (ROOT / folder / "__init__.py").read_text()
    forgotten = [name for name in files_of(folder) if name not in text]

    assert forgotten == [], f"add a row for each of these to {table} in {folder}/__init__.py"


def test_statistical_method__each_file__has_its_page() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "statistics").glob("*.md")}

    assert set(files_of("analysis/methods")) <= pages, "write docs/statistics/<method>.md"
