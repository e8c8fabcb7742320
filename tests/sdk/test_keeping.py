import json
import stat

import pytest
from momentum_sdk.keeping import Keeper
from momentum_sdk.notices import Notices

from tests.sdk.fault_server import PAYLOAD
from tests.sdk.test_faults import wait_for


def test_payload_file__server_away_after_a_restart__decides_as_before(
    connect, server, tmp_path
) -> None:
    path = tmp_path / "payload.json"
    first = connect(payload_file=path)
    assert first.ready(30)
    before = [first.variant("reward-ladder", f"l{n}", {"role": "seller"}).key for n in range(50)]

    second = connect("http://127.0.0.1:9", payload_file=str(path))

    after = [second.variant("reward-ladder", f"l{n}", {"role": "seller"}).key for n in range(50)]
    assert after == before
    assert second.ready(0) is False


def test_payload_file__is_readable_by_its_owner_only_and_leaves_no_litter(
    connect, tmp_path
) -> None:
    path = tmp_path / "payload.json"
    client = connect(payload_file=path)
    assert client.ready(30)
    assert wait_for(path.exists)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b"[]", b'{"format": 2}', b"\xff\xfe", b"[" * 100_000]
)
def test_payload_file__broken__is_ignored_with_one_line(connect, tmp_path, lines, content) -> None:
    path = tmp_path / "payload.json"
    path.write_bytes(content)

    client = connect("http://127.0.0.1:9", payload_file=path)

    assert client.variant("reward-ladder", "l1").reason == "not_ready"
    assert sum("payload_file cannot be read" in line for line in lines()) == 1


def test_payload_file__wrong_definitions_inside__is_ignored(connect, tmp_path, lines) -> None:
    path = tmp_path / "payload.json"
    path.write_text(json.dumps({"format": 1, "payload": {"features": 3}}))

    client = connect("http://127.0.0.1:9", payload_file=path)

    assert client.is_on("new-home") is False
    assert any("cannot be read at features" in line for line in lines())


def test_payload_file__folder_missing__is_said_and_harmless(connect, tmp_path, lines) -> None:
    client = connect(payload_file=tmp_path / "missing" / "payload.json")

    assert client.ready(30)
    assert client.is_on("new-home") is True
    assert wait_for(lambda: any("cannot be written" in line for line in lines()))


def test_store__writing_fails_midway__keeps_the_old_file(tmp_path, monkeypatch) -> None:
    path = tmp_path / "payload.json"
    keeper = Keeper(str(path), Notices())
    keeper.store(PAYLOAD)

    def full_disk(_handle: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr("momentum_sdk.keeping.os.fsync", full_disk)
    keeper.store({"features": {}})

    assert keeper.load() == PAYLOAD
    assert list(tmp_path.iterdir()) == [path]
