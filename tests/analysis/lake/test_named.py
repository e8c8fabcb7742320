"""What files named versions consist of, told without opening each."""

from pathlib import Path

import pytest
from deltalake import DeltaTable

from analysis.lake import named
from analysis.lake.compact import compact, vacuum
from analysis.lake.named import files_of
from tests.analysis.lakes import day, event, write_lake


@pytest.fixture
def address(tmp_path):
    """Versions 1 to 12: five batches over two days, compactions, and five more."""
    for number in range(10):
        write_lake(tmp_path, events=[event(f"l{number}", "sale", day(number % 2))])
        if number == 4:
            compact(tmp_path, "events", min_files=2)
    return str(tmp_path / "events")


def paths_at(address, *versions):
    uris = [uri for each in versions for uri in DeltaTable(address, version=each).file_uris()]
    return {str(Path(uri).relative_to(address)) for uri in uris}


def in_log(address, name):
    return Path(address) / "_delta_log" / name


@pytest.mark.parametrize("versions", [(3,), (2, 6), (5, 9), (0, 4, 7, 12), (12,)])
def test_files_of__some_versions__are_those_that_delta_tells(tmp_path, address, versions):
    assert files_of(tmp_path, "events", versions) == paths_at(address, *versions)


def test_files_of__many_versions__opens_only_the_oldest(tmp_path, address, monkeypatch):
    opened, real = [], named.open_table
    monkeypatch.setattr(named, "open_table", lambda *given: opened.append(given[2]) or real(*given))

    vacuum(tmp_path, "events", keep_days=0, named=range(1, 13))

    assert opened == [1]
    assert all((Path(address) / path).exists() for path in paths_at(address, *range(1, 13)))


def test_files_of__versions_of_a_lake_that_was_replaced__are_passed_over(tmp_path, address):
    assert files_of(tmp_path, "events", [-1, 99]) == frozenset()
    assert files_of(tmp_path, "events", [-1, 3, 99]) == paths_at(address, 3)


def test_files_of__log_whose_oldest_commits_are_gone__begins_with_its_first_checkpoint(
    tmp_path, address
):
    DeltaTable(address, version=4).create_checkpoint()
    told = paths_at(address, 4, 8)
    for version in range(3):
        in_log(address, f"{version:020d}.json").unlink()

    assert files_of(tmp_path, "events", [1, 3, 4, 8]) == told
    in_log(address, f"{4:020d}.checkpoint.parquet").unlink()
    assert files_of(tmp_path, "events", [4, 8]) == paths_at(address, 8)  # compaction's checkpoint
