"""A server that refuses a whole batch for one bad event in it: the good ones arrive."""

import json

import pytest
from momentum_sdk import Counts

from tests.sdk.test_faults import wait_for


def refuse_whole(server, status: int, body: bytes):
    """A server that refuses the whole batch for one bad learner in it."""

    def reply(asked):
        if asked.method == "POST" and b'"learner":"bad' in asked.body:
            return status, {}, body
        return None

    server.reply = reply


@pytest.mark.parametrize("status", [400, 422])
def test_delivery__one_bad_event_refuses_the_whole_batch__costs_no_other(
    connect, server, lines, status
) -> None:
    error = {"field": "body", "remedy": "send well-formed UTF-8"}
    refuse_whole(server, status, json.dumps({"status": status, "errors": [error]}).encode())
    client = connect(batch_size=1_000, flush_interval_s=5)
    for number in range(1_000):
        client.track("login", "bad" if number == 700 else f"l{number}")

    assert client.flush(30)

    assert client.counts() == Counts(1_000, 999, 1, 0, 0)
    assert len(server.of_type("event")) == 999
    assert len(server.posts()) <= 21
    assert any("because of its body: send well-formed UTF-8" in line for line in lines())


def test_delivery__one_bad_event_among_spooled_ones__costs_no_other(
    connect, server, tmp_path
) -> None:
    refuse_whole(server, 400, b"{}")
    client = connect(batch_size=20, flush_interval_s=5, spool_dir=tmp_path)
    for number in range(20):
        client.track("login", "bad" if number == 7 else f"l{number}")

    assert client.flush(30)

    assert client.counts() == Counts(20, 19, 1, 0, 0)
    assert len(server.of_type("event")) == 19


def test_delivery__every_batch_refused_whole__is_no_hot_loop(connect, server) -> None:
    refuse_whole(server, 400, b"{}")
    client = connect(batch_size=1_000, flush_interval_s=5, retry_base_s=20)
    for number in range(1_000):
        client.track("login", f"bad-{number}")

    for _ in range(10):
        client.flush(0.1)

    assert len(server.posts()) <= 2 * 11
    assert client.counts().waiting > 900


def test_delivery__every_second_event_refuses_its_batch__the_others_arrive(connect, server) -> None:
    refuse_whole(server, 400, b"{}")
    client = connect(batch_size=32, flush_interval_s=5)
    for number in range(32):
        client.track("login", f"bad-{number}" if number % 2 else f"l{number}")

    assert client.flush(30)

    assert client.counts() == Counts(32, 16, 16, 0, 0)
    assert len(server.posts()) == 2 * 32 - 1


def test_delivery__every_event_of_a_batch_refused_by_itself__is_not_repeated(
    connect, server
) -> None:
    refused = [{"index": index, "field": "kind"} for index in range(5)]
    refuse_whole(server, 422, json.dumps({"status": 422, "refused": refused}).encode())
    client = connect(batch_size=5, flush_interval_s=5)
    for number in range(5):
        client.track("login", f"bad-{number}")

    assert client.flush(30)

    assert client.counts() == Counts(5, 0, 5, 0, 0)
    assert len(server.posts()) == 1


def test_delivery__422_from_someone_else__is_not_believed(connect, server) -> None:
    refuse_whole(server, 422, b"<html>hotel network</html>")
    client = connect()
    client.track("login", "bad")
    assert wait_for(lambda: len(server.posts()) >= 2)

    assert client.counts().waiting == 1


def test_compress__bad_event_in_the_batch__goes_on_compressing(connect, server) -> None:
    server.reply = lambda asked: (
        (400, {}, b"{}") if asked.method == "POST" and len(server.posts()) <= 2 else None
    )
    client = connect(compress=True)
    for learner in ("bad", "good"):
        client.track("login", learner)
        assert client.flush(30)

    assert client.counts() == Counts(2, 1, 1, 0, 0)
    assert ["content-encoding" in asked.headers for asked in server.posts()] == [True, False, True]
