"""Files keep to one subject, and nothing names a machine or a registry."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 400
EXCUSED: dict[str, str] = {}
"""Files that are longer, each with its reason. The list may only shrink."""

SOURCE_FOLDERS = ("assignment", "analysis", "experiment_server", "dashboards", "sdk", "examples")
MACHINE_WORDS = re.compile(
    "|".join(
        ("pypi" + r"\.org", "pythonhosted" + r"\.org", "registry" + r"\.npmjs", "/work/" + "main")
    )
)


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def test_source_files__longer_than_the_cap__are_excused_by_name() -> None:
    long = {
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.suffix == ".py"
        and not path.is_symlink()
        and path.relative_to(ROOT).parts[0] in SOURCE_FOLDERS
        and len(path.read_text().splitlines()) > MOST_LINES
    }

    assert long == set(EXCUSED), "split the new one, or strike the one that got shorter"


def test_tracked_text__all_files__names_no_machine_or_registry() -> None:
    named = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.is_file()
        and path.suffix in {".py", ".md", ".toml", ".lock", ".txt", ".html", ".json", ""}
        and MACHINE_WORDS.search(path.read_text(errors="ignore"))
    ]

    assert named == []


def test_source__all_packages__holds_no_unfinished_work() -> None:
    marks = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
    unfinished = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.suffix == ".py" and marks.search(path.read_text())
    ]

    assert unfinished == []
