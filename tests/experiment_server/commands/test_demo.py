"""``momentum demo``: what it refuses before it begins."""

import pytest

from experiment_server.commands import demo

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _never_played(monkeypatch):
    monkeypatch.setattr(demo, "play", lambda *_: pytest.fail("it began"))
    monkeypatch.setattr(demo.signal, "signal", lambda *_: None)


def test_demo__json_in_no_folder__is_refused_before_it_begins(momentum, tmp_path):
    refused = momentum("demo", "--json", str(tmp_path / "none" / "demo.json"))

    assert refused.code == 2
    assert refused.refusal == (
        f"--json {tmp_path}/none/demo.json: there is no folder {tmp_path}/none; make it first"
    )


def test_demo__json_is_a_folder__is_refused_before_it_begins(momentum, tmp_path):
    refused = momentum("demo", "--json", str(tmp_path))

    assert refused.code == 2
    assert "is a folder" in refused.refusal


@pytest.mark.parametrize("below", ["", "store"])
def test_demo__data_dir_is_a_file_or_below_one__is_refused_before_it_begins(
    momentum, tmp_path, below
):
    file = tmp_path / "file"
    file.touch()

    refused = momentum("demo", "--data-dir", str(file / below))

    assert refused.code == 2
    assert "is no folder for a store" in refused.refusal


def test_demo__data_dir_with_something_in_it__is_refused_before_it_begins(momentum, tmp_path):
    (tmp_path / "kept").touch()

    refused = momentum("demo", "--data-dir", str(tmp_path))

    assert refused.code == 2
    assert "is not empty" in refused.refusal
