"""The snippets of the guide for other languages run as they stand, on a running server."""

import json
import re
import subprocess
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from growthbook.growthbook import feature_repo
from openfeature import api

from experiment_server.delivery import ofrep
from experiment_server.delivery.context import DEEPEST, MOST_ATTRIBUTES, MOST_BYTES
from tests.contracts import (
    test_growthbook_sdk_javascript,
    test_ofrep_openfeature,
    test_ofrep_web,
)
from tests.contracts.node_packages import installed
from tests.experiment_server.delivery.definitions import VARIANTS

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "other-languages.md"
TEXT = GUIDE.read_text(encoding="utf-8")
PACKAGES = tuple(
    sorted({*test_growthbook_sdk_javascript.PACKAGES, *test_ofrep_openfeature.PACKAGES})
)


def snippets(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def filled(live):
    """Puts the server's address and keys into a snippet."""
    live.run_once("reward-ladder", variants=VARIANTS, condition={"role": "seller"})
    places = {
        "https://momentum.example.com": live.url,
        "mo_client_...": live.client_key,
        "mo_server_...": live.server_key,
    }
    return lambda code: re.sub("|".join(map(re.escape, places)), lambda at: places[at[0]], code)


@pytest.fixture
def answer(live, filled):
    """What learner-1 gets."""
    return live.evaluate("reward-ladder", {"id": "learner-1", "role": "seller"})


@pytest.mark.parametrize("code", snippets("python"))
def test_guide__python__prints_what_the_server_decides(filled, answer, capsys, code):
    feature_repo.clear_cache()
    names = {}

    exec(compile(filled(code), GUIDE.name, "exec"), names)

    printed = capsys.readouterr().out
    api.shutdown()
    api.clear_providers()
    if "print" in code:
        assert answer.value in printed
    else:
        assert re.fullmatch("[0-9a-f]{64}", names["attributes"]["email"])


@pytest.mark.parametrize("code", snippets("js"))
def test_guide__javascript__prints_what_the_server_decides(filled, answer, tmp_path, code):
    packages = test_ofrep_web.PACKAGES if "web-sdk" in code else PACKAGES  # they exclude each other
    (tmp_path / "node_modules").symlink_to(installed(*packages) / "node_modules")
    (tmp_path / "snippet.mjs").write_text(filled(code) + "\nprocess.exit(0);\n")

    done = subprocess.run(
        ["node", "snippet.mjs"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert answer.value in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("code", snippets("http"))
def test_guide__request__is_answered(live, filled, answer, code):
    head, _, body = filled(code).partition("\n\n")
    first, *headers = head.splitlines()
    method, path = first.split()
    named = dict(header.split(": ") for header in headers)

    request = Request(live.url + path, body.encode(), named, method=method)
    with urlopen(request, timeout=10) as reply:
        found = json.load(reply)

    if path.startswith("/ofrep"):
        assert (found["value"], found["variant"]) == (answer.value, answer.variant)
    else:
        assert reply.status == 202
        assert found["refused"] == []


def test_guide__each_language__has_its_snippets():
    assert {name: len(snippets(name)) for name in ("js", "python", "http")} == {
        "js": 3,
        "python": 3,
        "http": 2,
    }


def test_guide__reasons_codes_and_limits__are_those_of_the_code():
    rows = set(re.findall(r"^\| `([A-Z_]+)` \|", TEXT, re.MULTILINE))
    codes = {value for name, value in vars(ofrep).items() if name.isupper() and value == name}

    assert rows == set(ofrep.REASONS.values()) | codes
    limits = f"{MOST_BYTES:,} bytes, {MOST_ATTRIBUTES} attributes and {DEEPEST} levels"
    assert limits in TEXT
