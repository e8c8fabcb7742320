"""The snippets of the guide, the readme and docs/sdk.md run as they stand, on a real server."""

import re
from pathlib import Path

import pytest
from momentum_sdk import Options

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "howto" / "lms.md"
README = ROOT / "sdk" / "python" / "README.md"
CHANGELOG = ROOT / "sdk" / "python" / "CHANGELOG.md"
PROMISES = ROOT / "docs" / "sdk.md"


def snippets(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


SNIPPETS = [(page.name, code) for page in (GUIDE, README, PROMISES) for code in snippets(page)]


@pytest.mark.parametrize(("page", "code"), SNIPPETS)
def test_snippet__as_it_stands__runs_and_logs_nothing(
    server, lines, page, code, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a snippet may write files
    code = code.replace("https://momentum.example.com", server.url)

    exec(compile(code, page, "exec"), {"__name__": "__snippet__"})

    assert lines() == []


def test_snippets__of_all_pages__are_found() -> None:
    assert {page for page, _ in SNIPPETS} == {"lms.md", "README.md", "sdk.md"}
    assert len(SNIPPETS) >= 6


def test_guide__option_table__is_that_of_the_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", GUIDE.read_text(encoding="utf-8"), re.M))
    options = {
        name: "none" if value is None else f"{value:g}" if type(value) is float else str(value)
        for name, value in ((name, getattr(Options(), name)) for name in Options.__slots__)
    }

    assert {name: rows.get(name) for name in options} == options


def test_changelog__each_ability_that_is_an_option__is_named_as_offered() -> None:
    text = CHANGELOG.read_text(encoding="utf-8")
    abilities = [name for name in Options.__slots__ if not getattr(Options(), name)]

    missing = {name for name in abilities if f"`{name}`" not in text}
    assert missing == {"block_when_full_s"}, "a number to tune"
    assert not re.search(r"sticky[^.]*not offered", text, re.IGNORECASE)


def test_guide__reasons__are_those_that_a_variant_gives() -> None:
    from momentum_sdk._assignment import REASONS

    listed = set(re.findall(r"^\| `(\w+)` \| ", GUIDE.read_text(encoding="utf-8"), re.M))

    only_flags = {"targeting_match", "default", "off", "prerequisite", "circular_prerequisite"}
    assert set(REASONS) - only_flags | {"not_ready"} <= listed
