"""Events on disk: outages, killed hosts, adopted orphans, caps and broken files."""

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from momentum_sdk import Counts
from momentum_sdk.notices import Notices
from momentum_sdk.spool import Spool

from tests.sdk.test_faults import wait_for
from tests.sdk.test_processes import SDK, host

AWAY = "http://127.0.0.1:9"


def spool_in(folder: Path, most_bytes: int = 10_000_000, sender: str = "a key") -> Spool:
    return Spool(str(folder), sender, most_bytes, Notices())


def item(number: int) -> bytes:
    return json.dumps({"id": f"i{number}"}).encode()


def drain(spool: Spool) -> list[bytes]:
    """All that a spool holds, settled batch by batch."""
    found: list[bytes] = []
    while True:
        batch, _ = spool.read(7, 1_000)
        if not batch:
            return found
        found += batch
        spool.settle(len(batch))


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool/*.events"))


def test_spool__many_records__come_out_in_order_and_leave_little(tmp_path) -> None:
    spool = spool_in(tmp_path, most_bytes=8_000)
    items = [item(number) for number in range(400)]
    for start in range(0, 400, 3):
        spool.write(items[start : start + 3])

    assert len(segments(tmp_path)) > 5
    assert drain(spool) == items
    assert spool.n_bytes == 0
    assert sum(path.stat().st_size for path in segments(tmp_path)) == 0
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_spool__partly_settled__gives_the_rest_again(tmp_path) -> None:
    spool = spool_in(tmp_path)
    spool.write([item(number) for number in range(10)])
    spool.read(10, 10_000)

    spool.settle(4)

    assert spool.read(100, 10_000)[0] == [item(number) for number in range(4, 10)]


def test_spool__files__are_their_owners_only(tmp_path) -> None:
    spool = spool_in(tmp_path / "new")
    spool.write([item(1)])

    paths = [tmp_path / "new", *(tmp_path / "new").rglob("*")]

    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}


def test_orphans__of_the_living__are_left_alone_and_of_the_dead_adopted(tmp_path) -> None:
    living, other = spool_in(tmp_path), spool_in(tmp_path)
    living.write([item(1), item(2)])
    assert other.find_orphans() == []
    living.close()

    other.write([item(3)])
    orphans = other.find_orphans()
    other.adopt(orphans)

    assert sum(segment.n_left for segment in orphans) == 2
    assert drain(other) == [item(3), item(1), item(2)]
    other.close()
    assert list(tmp_path.iterdir()) == []


def test_orphans__two_adopters__only_one_gets_them(tmp_path) -> None:
    first = spool_in(tmp_path)
    first.write([item(1)])
    first.close()
    one, two = spool_in(tmp_path), spool_in(tmp_path)

    assert (len(one.find_orphans()), len(two.find_orphans())) == (1, 0)


def test_orphans__of_another_key__stay_where_they_are(tmp_path, lines) -> None:
    other = spool_in(tmp_path, sender="another key")
    other.write([item(1)])
    other.close()

    assert spool_in(tmp_path).find_orphans() == []
    assert len(segments(tmp_path)) == 1
    assert any("another key" in line for line in lines())


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (lambda content: content[:-5], 2),  # killed while it wrote
        (lambda content: content + b"deadbe", 3),
        (lambda content: content.replace(b"i2", b"i9"), 2),  # a flipped bit
        (lambda content: b"\xff\x00" * 50 + b"\n" + content, 3),
        (lambda content: content + b"x" * 100_000, 3),
        (lambda _content: b"", 0),
        (lambda _content: b"\n\n\n", 0),
        (lambda _content: os.urandom(5_000), 0),
    ],
)
def test_orphans__half_written_or_damaged__give_what_is_whole(
    tmp_path, lines, damage, left
) -> None:
    dead = spool_in(tmp_path)
    dead.write([item(1), item(2), item(3)])
    dead.close()
    path = segments(tmp_path)[0]
    damaged_size = path.write_bytes(damage(path.read_bytes()))
    spool = spool_in(tmp_path)

    orphans = spool.find_orphans()
    spool.adopt(orphans)

    assert sum(segment.n_left for segment in orphans) == left
    assert len(drain(spool)) == left
    said = sum("half-written or broken" in line for line in lines())
    assert said == (0 if damaged_size == 0 else 1)
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_orphans__folders_that_are_not_homes__do_no_harm(tmp_path) -> None:
    tag = spool_in(tmp_path)._tag
    (tmp_path / f"{tag}-1-empty.spool").mkdir()
    (tmp_path / f"{tag}-1-file.spool").write_text("not a folder")
    (tmp_path / f"{tag}-1-link.spool").symlink_to(tmp_path)

    assert spool_in(tmp_path).find_orphans() == []
    assert not (tmp_path / f"{tag}-1-empty.spool").exists()


def test_outage__server_comes_back__everything_arrives_once(connect, server, tmp_path) -> None:
    """K-07 in short: far more than the memory's queue waits on disk."""
    real_port = int(server.url.rsplit(":", 1)[1])
    client = connect(AWAY, spool_dir=tmp_path, queue_size=500, block_when_full_s=5)
    for number in range(20_000):
        client.track("login", f"l{number}")
    before = client.counts()
    for wire in client._runtime._wires:
        wire._port = real_port

    assert client.flush(30)

    assert before.waiting + before.dropped == 20_000
    assert before.dropped == 0
    assert client.counts() == Counts(20_000, 20_000, 0, 0, 0)
    assert len(server.of_type("event")) == 20_000
    sent = [one["id"] for asked in server.posts() for one in json.loads(asked.body)["items"]]
    assert len(sent) == len(set(sent))
    client.close()
    assert list(tmp_path.iterdir()) == []


def test_outage__beyond_the_cap__drops_the_newest_and_counts_exactly(
    connect, server, tmp_path, monkeypatch
) -> None:
    """K-08 in short."""
    monkeypatch.setattr("momentum_sdk.runtime.BYTES_IN_MB", 10_000)
    real_port = int(server.url.rsplit(":", 1)[1])
    client = connect(AWAY, spool_dir=tmp_path, spool_max_mb=10)
    for number in range(5_000):
        client.track("login", f"l{number}")
        if number % 100 == 99:
            time.sleep(0.002)
    counts = client.counts()
    on_disk = sum(path.stat().st_size for path in segments(tmp_path))

    for wire in client._runtime._wires:
        wire._port = real_port
    assert client.flush(30)

    assert counts.dropped > 1_000
    assert on_disk <= 100_000
    assert client.counts() == Counts(5_000, counts.waiting, 0, counts.dropped, 0)
    assert len(server.of_type("event")) == counts.waiting
    assert {one["learner"] for one in server.of_type("event")} >= {"l0", "l1", "l2"}
    client.track("login", "after")  # there is room again
    assert client.flush(30)
    assert client.counts().dropped == counts.dropped


def test_restart__server_away_until_then__the_next_process_sends_it(server, tmp_path) -> None:
    before = f"""
        momentum.close()
        momentum = Momentum({AWAY!r}, "k", spool_dir={str(tmp_path)!r}, exit_timeout_s=0.2)
        for n in range(700): momentum.track("login", f"l{{n}}")
    """
    result = host(server.url, before)
    assert result.returncode == 0, result.stderr
    assert "700 events wait in spool_dir" in result.stderr
    assert len(segments(tmp_path)) == 1

    _give_to(server.url, tmp_path)
    again = host(server.url, _client(server.url, tmp_path) + "assert wait(700)")

    assert again.returncode == 0, again.stderr
    assert len(server.of_type("event")) == 700
    assert list(tmp_path.iterdir()) == []


def _give_to(url: str, folder: Path) -> None:
    """Let the homes belong to a client of another address: the outage's server came back there."""
    from momentum_sdk.spool import Spool

    tag = Spool(str(folder), f"{url} k", 1, Notices())._tag
    for path in folder.glob("*.spool"):
        path.rename(path.with_name(tag + path.name[len(tag) :]))


def _client(url: str, folder: Path, more: str = "") -> str:
    return textwrap.dedent(f"""
        momentum.close()
        momentum = Momentum({url!r}, "k", spool_dir={str(folder)!r}, flush_interval_s=0.05,
                            retry_base_s=0.05, request_timeout_s=2{more})
        def wait(n):
            for _ in range(500):
                if momentum.counts().delivered >= n:
                    return True
                time.sleep(0.01)
    """)


KILLED = """
import os, sys, time
sys.path.insert(0, {sdk!r})
from momentum_sdk import Momentum
momentum = Momentum({url!r}, "mo_server_secret", spool_dir={folder!r}, flush_interval_s=0.05,
                    retry_base_s=0.05)
print("ready", flush=True)
n = 0
while True:
    momentum.track("custom:" + sys.argv[1], f"l{{n}}", value=n)
    n += 1
    os.write(1, b"%d %d\\n" % (n, time.monotonic_ns()))
    time.sleep(0.0005)
"""


@pytest.mark.faults
def test_host_killed__at_random__loses_no_more_than_the_last_moment(
    connect, server, tmp_path
) -> None:
    """K-07 in short: SIGKILL while events flow, the server failing in between."""
    server.reply = lambda asked: (
        (503, {}, b"") if asked.method == "POST" and len(server.posts()) % 3 == 0 else None
    )
    code = KILLED.format(sdk=str(SDK), url=server.url, folder=str(tmp_path))
    handed: dict[str, list[tuple[int, int]]] = {}
    for turn in range(8):
        process = subprocess.Popen([sys.executable, "-c", code, f"t{turn}"], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.05 + 0.09 * turn)
        process.send_signal(signal.SIGKILL)
        text, _ = process.communicate()
        lines = [tuple(map(int, line.split())) for line in text.decode().splitlines()[:-1]]
        handed[f"custom:t{turn}"] = lines  # type: ignore[assignment]
    server.reply = lambda _asked: None
    last = connect(server.url, spool_dir=tmp_path)

    assert wait_for(lambda: not list(tmp_path.glob("*/*.events")))
    last.close(5)

    for kind, lines in handed.items():
        got = sorted(one["value"] for one in server.of_type("event") if one["kind"] == kind)
        lost = [(n, at) for n, at in lines if n - 1 not in set(got)]
        assert got == list(range(len(got))), "what is lost is the end, without holes"
        assert not lost or (lines[-1][1] - lost[0][1]) / 1e9 < 2
    assert list(tmp_path.iterdir()) == []


def test_fork__each_process__has_a_home_of_its_own(server, tmp_path) -> None:
    code = _client(AWAY, tmp_path, ", exit_timeout_s=0.2") + textwrap.dedent("""
        momentum.track("parent", "l1")
        time.sleep(0.3)
        pids = []
        for child in range(3):
            if (pid := os.fork()) == 0:
                momentum.track("child", f"l{child}")
                momentum.flush(0)
                time.sleep(0.4)
                os._exit(0)
            pids.append(pid)
        assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
        momentum.track("parent", "l2")
    """)
    result = host(server.url, code)
    assert result.returncode == 0, result.stderr
    _give_to(server.url, tmp_path)

    again = host(server.url, _client(server.url, tmp_path) + "assert wait(5), momentum.counts()")

    assert again.returncode == 0, again.stderr
    kinds = sorted(event["kind"] for event in server.of_type("event"))
    assert kinds == ["child", "child", "child", "parent", "parent"]
    assert list(tmp_path.iterdir()) == []


def test_disk__cannot_be_written__memory_does(connect, server, tmp_path, lines) -> None:
    (tmp_path / "file").write_text("where the folder should be")
    client = connect(spool_dir=tmp_path / "file")
    for number in range(200):
        client.track("login", f"l{number}")

    assert client.flush(30)
    assert client.counts() == Counts(200, 200, 0, 0, 0)
    assert sum("spool_dir cannot be written" in line for line in lines()) == 1


def test_disk__full_midway__everything_still_arrives_once(
    connect, server, tmp_path, monkeypatch
) -> None:
    """Half of a write succeeds before the disk is full; the rest goes by memory."""
    write = os.write
    calls = []

    def full(handle, content):
        if len(content) > 1_000 and len(calls) < 3:
            calls.append(len(content))
            if len(calls) % 2:
                return write(handle, content[:500])
            raise OSError(28, "No space left on device")
        return write(handle, content)

    client = connect(spool_dir=tmp_path)
    monkeypatch.setattr("momentum_sdk.spool.os.write", full)
    for number in range(300):
        client.track("login", f"l{number}")

    assert client.flush(30)
    assert len(calls) >= 2
    assert client.counts() == Counts(300, 300, 0, 0, 0)
    sent = [one["id"] for asked in server.posts() for one in json.loads(asked.body)["items"]]
    assert len(sent) == len(set(sent)) == 300


def test_spool__removed_under_us__is_counted_and_survived(connect, server, tmp_path) -> None:
    import shutil

    server.reply = lambda asked: (500, {}, b"") if asked.method == "POST" else None
    client = connect(spool_dir=tmp_path, batch_size=10, retry_base_s=20)
    for number in range(50):
        client.track("login", f"l{number}")
    assert wait_for(lambda: len(server.posts()) == 1)
    shutil.rmtree(next(tmp_path.glob("*.spool")))
    server.reply = lambda _asked: None

    client.flush(3)
    client.track("login", "afterwards")

    assert client.flush(30)
    counts = client.counts()
    assert counts.handed == 51 == counts.delivered + counts.dropped
    assert counts.waiting == 0


def test_enqueue__with_the_server_away__keeps_them_all(connect, tmp_path) -> None:
    client = connect(AWAY, spool_dir=tmp_path)
    for number in range(3_000):
        client.track("login", f"l{number}", properties={"course": "negotiation"})

    assert client.counts().dropped == 0
    assert client.counts().waiting == 3_000
