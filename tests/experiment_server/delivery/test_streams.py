"""Streams tell each change, keep the line open, end when they should and leave threads free."""

import json
from dataclasses import replace

import pytest

from experiment_server.app import create_app
from experiment_server.delivery.held import streams_of
from experiment_server.delivery.streams import (
    KEEP_ALIVE,
    LONGEST_LINE,
    NoPlace,
    Streams,
    Subscription,
    _lines,
    events,
    most_streams,
    network_of,
)
from tests.experiment_server.delivery.definitions import URL, make_flag


class Time:
    """A clock that sleeping moves; something may happen at each moment."""

    def __init__(self, happenings=()):
        self.now, self.happenings = 0.0, dict(happenings)

    def sleep(self, seconds):
        self.now += seconds
        self.happenings.pop(self.now, lambda: None)()


def listen(time, *, version=lambda: "1", seen=None, is_allowed=lambda: True, streams=None):
    subscription = Subscription(
        edition=version,
        token=str,
        event=lambda edition: b"event: %s\n\n" % edition.encode(),
        is_allowed=is_allowed,
        seen=seen,
        clock=lambda: time.now,
        sleep=time.sleep,
    )
    return events(subscription, streams or Streams(1))


def take(stream, n):
    return [next(stream) for _ in range(n)]


def test_stream__begins_with__when_to_come_back_and_what_holds():
    retry, first = take(listen(Time()), 2)

    assert 3000 <= int(retry.removeprefix(b"retry: ")) < 8000
    assert first == b"event: 1\n\n"


def test_stream__reader_that_has_it__is_told_the_change_only():
    held = ["1"]
    time = Time({3.0: lambda: held.__setitem__(0, "2")})

    told = take(listen(time, version=lambda: held[0], seen="1"), 2)

    assert told[1] == b"event: 2\n\n"
    assert time.now <= 3.5


def test_stream__nothing_new__says_something_every_15_seconds():
    time = Time()
    stream = listen(time, seen="1")
    next(stream)

    moments = []
    for _ in range(3):
        assert next(stream) == KEEP_ALIVE
        moments.append(time.now)
    assert moments == [15, 30, 45]


def test_stream__key_revoked__ends_within_seconds():
    allowed = [True]
    time = Time({4.0: lambda: allowed.__setitem__(0, False)})

    assert len(list(listen(time, is_allowed=lambda: allowed[0]))) == 2
    assert time.now <= 6.5


def test_stream__server_stopping__ends_at_the_next_look():
    streams = Streams(1)
    time = Time({2.0: lambda: setattr(streams, "is_stopping", lambda: True)})

    list(listen(time, streams=streams))

    assert time.now == 2.0


@pytest.mark.parametrize(("threads", "most"), [(1, 0), (2, 0), (3, 1), (8, 3), (32, 15)])
def test_streams__of_some_threads__are_fewer_than_half(threads, most):
    assert most_streams(threads) == most
    assert most < threads / 2


def test_streams__left_twice__frees_one_place():
    streams = Streams(2)
    leave = streams.enter()
    streams.enter()
    with pytest.raises(NoPlace, match="this server"):
        streams.enter()

    leave()
    leave()

    assert streams.n_open == 1


def test_streams__of_one_key__are_at_most_half_and_others_find_a_place():
    streams = Streams(5)
    leaves = [streams.enter("key a", f"address {n}") for n in range(3)]

    with pytest.raises(NoPlace, match="one key"):
        streams.enter("key a", "address 9")
    streams.enter("key b", "address 9")
    leaves[0]()
    leaves[0]()
    streams.enter("key a", "address 9")
    assert streams.n_open == 4


def test_streams__of_one_address__are_at_most_half_whatever_the_key():
    streams = Streams(4)
    for key in "ab":
        streams.enter(f"key {key}", "address 1")

    with pytest.raises(NoPlace, match="one address"):
        streams.enter("key c", "address 1")
    streams.enter()  # a server key counts for nobody
    assert streams.n_open == 3


def test_streams__that_ended__leave_nothing_behind():
    streams = Streams(4)
    for number in range(100):
        streams.enter("key a", f"address {number}")()

    assert (streams.n_open, len(streams._n_of)) == (0, 0)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_network__of_an_address__is_what_one_host_cannot_change(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize("text", ['a"b,\\', "x" * 200_000, "\\\\,"])
def test_long_payload__in_lines__is_the_same_json_in_lines_that_readers_take(text):
    value = {f"flag-{n}": {"rules": [text[: 50 + n], {"k": [n, None]}]} for n in range(4000)}
    body = json.dumps(value, separators=(",", ":")).encode()

    lines = _lines(body)

    assert json.loads(b"\n".join(lines)) == value
    assert max(map(len, lines)) <= LONGEST_LINE
    assert len(lines) > 1


def event_of(chunk):
    fields = [line.split(": ", 1) for line in chunk.decode().splitlines() if line]
    data = "\n".join(value for name, value in fields if name == "data")
    return dict(fields) | {"data": json.loads(data)}


@pytest.mark.parametrize("path", ["/sub/{}", "/ofrep/v1/streams/{}"])
def test_stream__of_the_app__tells_a_change_and_is_counted(app, client, editor, client_key, path):
    answer = client.get(path.format(client_key))
    chunks = answer.response
    assert next(chunks).startswith(b"retry: ")
    before = event_of(next(chunks)) if path.startswith("/sub") else None
    make_flag(client, editor, "home", rules=[])
    after = event_of(next(chunks))

    assert answer.mimetype == "text/event-stream"
    assert streams_of(app).n_open == 1
    if before is None:
        assert after["event"] == "message"
        assert after["data"]["type"] == "refetchEvaluation"
    else:
        features = client.get(f"/api/features/{client_key}").json
        assert (before["event"], before["data"]["features"]) == ("features", {})
        assert after["data"] == features
        assert after["id"] != before["id"]
    answer.close()
    assert streams_of(app).n_open == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_stream__past_the_cap__is_503_and_a_place_is_free_again_after_one_ends(
    app, client, client_key, server_key
):
    streams_of(app).most = 2
    first = client.get(f"/sub/{client_key}")
    second = client.get("/api/v1/stream", headers=server_key)
    third = client.get(f"/ofrep/v1/streams/{client_key}")
    assert (third.status_code, third.headers["Retry-After"]) == (429, "30")
    streams_of(app).most = 1
    third = client.get("/api/v1/stream", headers=server_key)
    streams_of(app).most = 2
    first.close()  # never read: its generator never began

    assert (third.status_code, third.headers["Retry-After"]) == (503, "30")
    fourth = client.get(f"/sub/{client_key}")
    assert fourth.status_code == 200
    for each in (second, fourth):
        each.close()
    assert streams_of(app).n_open == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["/sub/{}", "/ofrep/v1/streams/{}"])
def test_stream__public_key_takes_all_it_can__others_still_find_a_place(
    app, client, keys, client_key, server_key, path
):
    streams_of(app).most = 4
    taken = [client.get(path.format(client_key)) for _ in range(2)]
    refused = client.get(path.format(client_key))
    same_address = client.get(path.format(keys.secret("client")))
    elsewhere = client.get(
        path.format(keys.secret("client")), environ_overrides={"REMOTE_ADDR": "192.0.2.7"}
    )
    own = client.get("/api/v1/stream", headers=server_key)

    for answer, whose in ((refused, "key"), (same_address, "address")):
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
        assert answer.content_type == "application/problem+json"
        assert f"2 streams of one {whose}" in answer.json["detail"]
    assert (elsewhere.status_code, own.status_code) == (200, 200)
    for each in (*taken, elsewhere, own):
        each.close()
    assert streams_of(app).n_open == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("n_trusted", "status"), [(0, 429), (1, 200)])
def test_stream__behind_a_proxy__counts_the_address_that_a_trusted_one_saw(
    settings, database, keys, n_trusted, status
):
    app = create_app(replace(settings, trusted_proxies=n_trusted), database)
    streams_of(app).most = 4
    client = app.test_client()
    made = [keys.secret("client") for _ in range(4)]

    def ask(key, address):
        told = {"X-Forwarded-For": f"203.0.113.99, {address}"}  # what a caller says stands first
        return client.get(f"/sub/{key}", headers=told)

    answers = [ask(key, "192.0.2.1") for key in made[:3]]
    elsewhere = ask(made[3], "192.0.2.2")

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert elsewhere.status_code == status
    for each in (*answers, elsewhere):
        each.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_stream__its_key_revoked__ends(client, keys, client_key):
    admin = keys.manage("admin")
    answer = client.get(f"/sub/{client_key}")
    listed = client.get(f"{URL}/keys", headers=admin).json["items"]
    (number,) = (each["id"] for each in listed if client_key.startswith(each["prefix"]))
    client.delete(f"{URL}/keys/{number}", headers=admin)

    assert len(list(answer.response)) == 2


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_stream__of_our_sdk__tells_of_changes_and_holds_no_definitions(
    app, client, editor, server_key
):
    answer = client.get("/api/v1/stream", headers=server_key)
    chunks = answer.response
    assert next(chunks).startswith(b"retry: ")
    before = event_of(next(chunks))
    make_flag(client, editor, "home", rules=[])
    after = event_of(next(chunks))

    assert answer.mimetype == "text/event-stream"
    assert before["data"]["type"] == after["data"]["type"] == "refetchEvaluation"
    assert before["id"] != after["id"]
    assert client.get("/api/v1/stream").status_code == 401
    answer.close()
    assert streams_of(app).n_open == 0
