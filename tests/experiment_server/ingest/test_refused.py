"""Refused items of a batch wait in quarantine, with the good ones taken."""

from sqlmodel import select

from experiment_server.quarantine.models import QuarantinedItem

AT = "2026-03-01T09:30:00Z"
GOOD = {"type": "event", "id": "good", "kind": "sale", "learner": "ada", "at": AT}
BAD = {"type": "event", "id": "bad", "kind": "stroll", "learner": "ada", "at": AT}


def send(client, headers, *items):
    return client.post("/api/v1/events", json={"items": list(items)}, headers=headers)


def held(database):
    with database.read() as session:
        return list(session.exec(select(QuarantinedItem).order_by(QuarantinedItem.id)))


def test_events__one_refused_of_two__waits_with_its_reason_and_pseudonym(
    client, database, server_key
):
    answer = send(client, server_key, GOOD, BAD)

    [item] = held(database)
    assert (answer.status_code, answer.json["accepted"]) == (202, 1)
    assert (item.standard, item.field, item.cause) == ("native", "kind", "'stroll' is unknown")
    assert '"id":"bad"' in item.raw
    assert len(item.learner) == 32
    assert "ada" not in item.learner


def test_events__all_refused_and_sent_again__are_counted_not_repeated(client, database, server_key):
    first = send(client, server_key, BAD, 5)
    second = send(client, server_key, BAD)

    found = {item.raw: (item.times, item.learner is None) for item in held(database)}
    assert (first.status_code, second.status_code) == (422, 422)
    assert found.pop("5") == (1, True)
    assert list(found.values()) == [(2, False)]


def test_events__learner_item_of_a_client_key__waits_without_the_right_to_describe(
    client, database, keys
):
    item = {"type": "learner", "id": "l", "learner": "ada", "at": AT, "attributes": {}}

    send(client, keys.headers("client"), item)

    assert [one.may_describe for one in held(database)] == [False]


def test_events__all_good__put_nothing_into_quarantine(client, database, server_key):
    send(client, server_key, GOOD)

    assert held(database) == []
