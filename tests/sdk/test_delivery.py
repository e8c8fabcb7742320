"""Events on their way: batches, retries, refusals, full queues, and counts that add up."""

import json
import threading
import time

import pytest
from momentum_sdk import Counts

from tests.sdk.test_faults import wait_for


def ids_in(asked) -> list[str]:
    return [item["id"] for item in json.loads(asked.body)["items"]]


def test_delivery__thousands_of_events__arrive_once_on_one_connection(connect, server) -> None:
    client = connect(batch_size=1_000, flush_interval_s=5)
    for number in range(5_000):
        client.track("login", f"l{number}")

    assert client.flush(30)

    assert len(server.of_type("event")) == 5_000
    assert client.counts() == Counts(5_000, 5_000, 0, 0, 0)
    assert all(len(ids_in(asked)) <= 1_000 for asked in server.posts())
    assert server.n_connections == 2  # one asks, one sends


def test_delivery__server_fails_at_first__the_same_items_are_sent_again(connect, server) -> None:
    server.reply = lambda asked: (
        (503, {}, b"") if asked.method == "POST" and len(server.posts()) < 4 else None
    )
    client = connect()
    client.track("login", "l1")

    assert client.flush(30) or client.flush(5)

    sent = [ids_in(asked) for asked in server.posts()]
    assert len(sent) == 4
    assert all(one == sent[0] for one in sent)
    assert client.counts().delivered == 1


def test_delivery__stored_but_the_answer_was_lost__is_stored_once(connect, server) -> None:
    lost = []

    def lose_first(asked):
        if asked.method == "POST" and not lost:
            lost.append(server.take_items(asked))
            return 500, {}, b""
        return None

    server.reply = lose_first
    client = connect()
    client.track("login", "l1")

    assert client.flush(30)

    assert len(server.posts()) == 2
    assert len(server.of_type("event")) == 1


def test_delivery__retry_after__is_honoured_even_when_flushing(connect, server) -> None:
    server.reply = lambda asked: (
        (429, {"Retry-After": "1"}, b"")
        if asked.method == "POST" and len(server.posts()) < 2
        else None
    )
    client = connect()
    client.track("login", "l1")
    assert wait_for(lambda: len(server.posts()) == 1)
    started = time.monotonic()

    client.flush(0.05)
    assert client.flush(30)

    assert time.monotonic() - started > 0.8


def test_delivery__flush_in_an_outage__tries_at_once(connect, server) -> None:
    server.reply = lambda asked: (500, {}, b"") if asked.method == "POST" else None
    client = connect(retry_base_s=20)
    client.track("login", "l1")
    assert wait_for(lambda: len(server.posts()) == 1)
    server.reply = lambda _asked: None

    assert client.flush(30) is True


@pytest.mark.parametrize(("status", "n_posts"), [(401, 1), (500, 2)])
def test_flush__in_a_loop_while_it_fails__is_no_hot_loop(connect, server, status, n_posts) -> None:
    server.reply = lambda asked: (status, {}, b"") if asked.method == "POST" else None
    client = connect(retry_base_s=20)
    client.track("login", "l1")
    assert wait_for(lambda: len(server.posts()) == 1)

    for _ in range(60):
        client.flush(0.01)

    assert len(server.posts()) == n_posts


def fail_once(owner, name: str, error: BaseException) -> None:
    """Let a method raise at its next call, and only then."""
    method = getattr(owner, name)

    def fail(*_given):
        setattr(owner, name, method)
        raise error

    setattr(owner, name, fail)


@pytest.mark.parametrize("name", ["take", "settle"])
@pytest.mark.parametrize("n_before", [0, 3])
def test_sender__an_unexpected_error__costs_no_event(connect, server, name, n_before) -> None:
    client = connect()
    for number in range(n_before):
        client.track("login", f"before-{number}")
        assert client.flush(30)
    fail_once(client._runtime.outbox, name, MemoryError())

    client.track("login", "after")

    assert client.flush(30)
    assert client.counts() == Counts(n_before + 1, n_before + 1, 0, 0, 0)
    assert len(server.of_type("event")) == n_before + 1


def test_sender__an_unexpected_error_of_spooled_events__costs_none(
    connect, server, tmp_path
) -> None:
    client = connect(spool_dir=tmp_path)
    fail_once(client._runtime._sender, "_post", KeyError("odd"))
    for number in range(7):
        client.track("login", f"l{number}")

    assert client.flush(30)
    assert client.counts() == Counts(7, 7, 0, 0, 0)
    assert len(server.of_type("event")) == 7


def test_sender__an_error_that_stays__is_retried_ever_less(connect, lines) -> None:
    client = connect(retry_base_s=0.1)
    tried = []
    client._runtime._sender._post = lambda batch: tried.append(batch) or 1 / 0
    client.track("login", "l1")

    time.sleep(1.5)

    assert 1 <= len(tried) <= 6
    assert client.counts() == Counts(1, 0, 0, 0, 1)
    assert sum("sending failed: ZeroDivisionError" in line for line in lines()) == 1


def test_sender__closed_between_two_halves__counts_the_other_half_too(connect, server) -> None:
    def refuse_large(asked):
        if asked.method != "POST":
            return None
        return (413, {}, b"") if len(ids_in(asked)) > 2 else (500, {}, b"")

    server.reply = refuse_large
    client = connect(batch_size=4, flush_interval_s=5, retry_base_s=20)
    for number in range(4):
        client.track("login", f"l{number}")
    assert wait_for(lambda: len(server.posts()) == 2)
    waiting = client.counts()

    client.close(0)

    assert waiting == Counts(4, 0, 0, 0, 4)
    assert client.counts() == Counts(4, 0, 0, 4, 0)


def test_delivery__some_refused__are_counted_and_said_without_the_learner(
    connect, server, lines
) -> None:
    refused = {
        "index": 0,
        "id": "x",
        "field": "kind",
        "reason": "learner-77 did something unknown",
        "remedy": "use one of login or custom:<name>",
    }
    body = json.dumps({"accepted": 1, "duplicates": 0, "refused": [refused]}).encode()
    server.reply = lambda asked: (202, {}, body) if asked.method == "POST" else None
    client = connect(batch_size=2, flush_interval_s=5)
    client.track("oops", "learner-77")
    client.track("login", "learner-77")

    assert client.flush(30)

    assert client.counts() == Counts(2, 1, 1, 0, 0)
    said = [line for line in lines() if "refused" in line]
    assert "custom:<name>" in said[0]
    assert "learner-77" not in said[0]


def test_delivery__nothing_accepted__is_refused_and_not_repeated(connect, server) -> None:
    body = json.dumps({"status": 422, "refused": [{"index": 0, "field": "kind"}]}).encode()
    server.reply = lambda asked: (422, {}, body) if asked.method == "POST" else None
    client = connect()
    client.track("oops", "l1")

    assert client.flush(30)

    assert client.counts().refused == 1
    assert len(server.posts()) == 1


@pytest.mark.parametrize("status", [400, 415])
def test_delivery__batch_refused_whole__is_counted(connect, server, status) -> None:
    server.reply = lambda asked: (status, {}, b"{}") if asked.method == "POST" else None
    client = connect()
    client.track("login", "l1")

    assert client.flush(30)

    assert client.counts().refused == 1


@pytest.mark.parametrize("body", [b"", b"<html>hotel network</html>", b"[]", b'{"ok": true}'])
def test_delivery__202_from_someone_else__is_not_believed(connect, server, body) -> None:
    server.reply = lambda asked: (202, {}, body) if asked.method == "POST" else None
    client = connect()
    client.track("login", "l1")
    assert wait_for(lambda: len(server.posts()) >= 2)

    assert client.counts().delivered == 0
    server.reply = lambda _asked: None
    assert client.flush(30)
    assert client.counts().delivered == 1


def test_delivery__batch_too_large__is_halved_until_it_fits(connect, server) -> None:
    server.reply = lambda asked: (
        (413, {}, b"") if asked.method == "POST" and len(ids_in(asked)) > 3 else None
    )
    client = connect(batch_size=20, flush_interval_s=5)
    for number in range(20):
        client.track("login", f"l{number}")

    assert client.flush(30)

    assert len(server.of_type("event")) == 20
    assert client.counts().delivered == 20


def test_delivery__one_item_too_large_for_the_server__is_refused(connect, server) -> None:
    server.reply = lambda asked: (413, {}, b"") if asked.method == "POST" else None
    client = connect(batch_size=2)
    client.track("login", "l1")
    client.track("login", "l2")

    assert client.flush(30)
    assert client.counts().refused == 2


def test_queue__full__drops_the_newest_and_counts_exactly(connect, server, lines) -> None:
    server.reply = lambda asked: (500, {}, b"") if asked.method == "POST" else None
    client = connect(queue_size=100, batch_size=10, retry_base_s=20)
    for number in range(1_000):
        client.track("login", f"learner-{number}")
    counts = client.counts()
    server.reply = lambda _asked: None

    assert client.flush(30)

    assert counts.handed == 1_000
    assert counts.waiting + counts.dropped == 1_000
    assert 100 <= counts.waiting <= 110
    assert client.counts().delivered == counts.waiting
    learners = {event["learner"] for event in server.of_type("event")}
    assert "learner-0" in learners
    assert "learner-999" not in learners
    assert sum("queue is full" in line for line in lines()) == 1  # not nine hundred


def test_queue__full_and_allowed_to_wait__loses_nothing(connect, server) -> None:
    client = connect(queue_size=50, batch_size=25, block_when_full_s=20)
    for number in range(2_000):
        client.track("login", f"l{number}")

    assert client.flush(30)

    assert client.counts() == Counts(2_000, 2_000, 0, 0, 0)


def test_queue__full_and_the_server_away__waits_no_longer_than_allowed(connect) -> None:
    client = connect("http://127.0.0.1:9", queue_size=1, batch_size=1, block_when_full_s=0.05)
    for number in range(5):
        client.track("login", f"l{number}")

    assert client.counts().handed == 5


def test_queue__many_threads__counts_add_up(connect, server) -> None:
    client = connect(queue_size=500)

    def work(thread: int) -> None:
        for number in range(500):
            client.track("login", f"l{thread}-{number}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert client.flush(30)
    counts = client.counts()
    assert counts.handed == 4_000 == counts.delivered + counts.dropped
    assert counts.delivered == len(server.of_type("event"))


def test_flush__nothing_waits__is_done(client) -> None:
    assert client.flush(0) is True


def test_flush__server_away__gives_up_in_time(connect) -> None:
    client = connect("http://127.0.0.1:9")
    client.track("login", "l1")

    assert client.flush(0.2) is False


def test_close__server_away__gives_up_in_time_and_says_what_is_lost(connect, lines) -> None:
    client = connect("http://127.0.0.1:9")
    for _ in range(3):
        client.track("login", "l1")

    client.close(0.2)

    assert client.counts() == Counts(3, 0, 0, 3, 0)
    assert any("3 events were not delivered" in line for line in lines())


def test_compress__asked_for__arrives_as_gzip(connect, server) -> None:
    client = connect(compress=True)
    client.track("login", "l1")

    assert client.flush(30)

    assert server.posts()[0].headers["content-encoding"] == "gzip"
    assert len(server.of_type("event")) == 1


@pytest.mark.parametrize("status", [400, 415])
def test_compress__server_that_cannot_read_it__gets_plain_json(connect, server, status) -> None:
    server.reply = lambda asked: (
        (status, {}, b"{}") if "content-encoding" in asked.headers else None
    )
    client = connect(compress=True)
    for _ in range(2):
        client.track("login", "l1")
        assert client.flush(30)

    assert client.counts() == Counts(2, 2, 0, 0, 0)
    assert ["content-encoding" in asked.headers for asked in server.posts()] == [True, False, False]


def test_exposure__dropped_because_full__is_logged_at_the_next_occasion(connect, server) -> None:
    server.reply = lambda asked: (500, {}, b"") if asked.method == "POST" else None
    client = connect(queue_size=1, batch_size=1, retry_base_s=20)
    assert client.ready(30)
    for _ in range(10):
        client.track("login", "l1")
    client.variant("reward-ladder", "learner-9", {"role": "seller"})
    server.reply = lambda _asked: None
    assert client.flush(30)
    assert server.of_type("exposure") == []

    client.variant("reward-ladder", "learner-9", {"role": "seller"})

    assert client.flush(30)
    assert len(server.of_type("exposure")) == 1
