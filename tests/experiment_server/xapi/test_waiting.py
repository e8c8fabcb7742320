"""Statements that were accepted and are no events: a replay finds every one of them."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from experiment_server.audit.models import AuditEntry
from experiment_server.columns import utc_now
from experiment_server.quarantine import service as quarantine
from experiment_server.quarantine.models import QuarantinedItem
from experiment_server.xapi import service, waiting
from experiment_server.xapi.models import XapiWaiting
from tests.experiment_server.buffered import buffered_rows
from tests.experiment_server.ingest.test_migration import at_revision
from tests.experiment_server.xapi.examples import plain, reference

DANCED = "https://example.org/verbs/danced"
SANG = "https://example.org/verbs/sang"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
ENVIRONMENT = "/api/v1/environments/production"


def danced(n, verb=DANCED, **members):
    return plain(id=str(UUID(int=n)), verb={"id": verb}, **members)


def long_one(n):
    return danced(n, result={"response": "x" * 70_000})


def long_one_with_its_id_last(n):
    members = long_one(n)
    response = str(n) + members.pop("result")["response"]
    return {"result": {"response": response}, **members, "id": members.pop("id")}


def send(lrs, *statements):
    for statement in statements:
        assert lrs.post(statement).status_code == 200


def add_rule(client, editor, verb=DANCED, kind="custom:danced"):
    rule = {"standard": "xapi", "action": verb, "about": None, "kind": kind}
    answer = client.put(f"{ENVIRONMENT}/kind-rules", json=rule, headers=editor)
    assert answer.status_code in (200, 201), answer.json


def replay(client, editor, **chosen):
    answer = client.post(f"{ENVIRONMENT}/quarantine/replay", json=chosen, headers=editor)
    assert answer.status_code == 200, answer.json
    return tuple(answer.json[name] for name in ("n_replayed", "n_kept", "n_left"))


def discard(client, editor, **chosen):
    wish = {"reason": "a test", **chosen}
    answer = client.post(f"{ENVIRONMENT}/quarantine/discard", json=wish, headers=editor)
    assert answer.status_code == 200, answer.json
    return answer.json["n_discarded"]


def notes_from_before(database):
    """Let migration 0013 note what the store and quarantine hold, as it did when it was new."""
    at_revision(database, "0012")
    at_revision(database, "0015")


def event_numbers(database, keys):
    rows = buffered_rows(database, keys.environment.id, "events")
    return sorted(UUID(row["event_id"].removeprefix("xapi:")).int for row in rows)


def items(database):
    with database.read() as session:
        found = list(session.exec(select(QuarantinedItem).order_by(QuarantinedItem.id)))
    return [(item.status, item.note) for item in found]


def quarantined_id(database, n):
    """Of the thing that is the n-th statement; one batch comes into quarantine in any order."""
    with database.read() as session:
        found = session.exec(select(QuarantinedItem)).all()
    marks = (str(UUID(int=n)), f'"{n}xxx')
    return next(item.id for item in found if any(mark in item.raw for mark in marks))


def n_waiting(database):
    with database.read() as session:
        return len(list(session.exec(select(XapiWaiting))))


@pytest.fixture
def editor(keys):
    return keys.manage("admin")


def test_replay__statements_beyond_a_full_quarantine__become_events_once(
    client, lrs, database, keys, editor, monkeypatch
):
    monkeypatch.setattr(quarantine, "MAX_WAITING", 3)
    send(lrs, *(danced(n) for n in range(10)))
    add_rule(client, editor)

    first, second = replay(client, editor), replay(client, editor)

    assert (first, second) == ((10, 0, 0), (0, 0, 0))
    assert event_numbers(database, keys) == list(range(10))
    assert [status for status, _note in items(database)] == ["replayed"] * 4
    assert n_waiting(database) == 0


def test_replay__a_statement_too_long_for_quarantine__becomes_an_event(
    client, lrs, database, keys, editor
):
    send(lrs, long_one(1))
    before = replay(client, editor)
    add_rule(client, editor)

    done = replay(client, editor)

    assert (before, done) == ((0, 1, 0), (1, 0, 0))
    assert event_numbers(database, keys) == [1]
    assert items(database) == [("replayed", "")]


def test_replay__things_that_quarantine_forgot__become_events(client, lrs, database, keys, editor):
    send(lrs, danced(1), danced(2))
    with database.write() as session:
        quarantine.forget_before(session, utc_now() + timedelta(days=1))
    add_rule(client, editor)

    done = replay(client, editor, standard="xapi")

    assert done == (2, 0, 0)
    assert event_numbers(database, keys) == [1, 2]


@pytest.mark.parametrize("make", [danced, long_one])
def test_replay__a_statement_voided_since__makes_no_event_and_is_settled(
    client, lrs, database, keys, editor, make
):
    send(lrs, make(1), make(2), reference(VOIDED, str(UUID(int=1))))
    add_rule(client, editor)

    done = replay(client, editor)

    assert done == (1, 0, 0)
    assert event_numbers(database, keys) == [2]
    assert items(database) == [("discarded", "its sender voided it"), ("replayed", "")]


def test_replay__of_another_cause__leaves_what_quarantine_holds(
    client, lrs, database, keys, editor
):
    send(lrs, danced(1), danced(2, SANG), long_one(3))
    add_rule(client, editor)
    add_rule(client, editor, SANG, "custom:sang")

    done = replay(client, editor, standard="xapi", cause=f"'{SANG}' has no kind rule")

    assert done == (1, 0, 0)
    assert event_numbers(database, keys) == [2]


def test_replay__a_long_statement_by_its_id__takes_it_and_no_other(
    client, lrs, database, keys, editor
):
    send(lrs, long_one(1), long_one(2))
    add_rule(client, editor)
    with database.read() as session:
        first = session.exec(select(QuarantinedItem).order_by(QuarantinedItem.id)).first()

    done = replay(client, editor, ids=[first.id])

    assert done == (1, 0, 0)
    assert event_numbers(database, keys) == [1]


def test_replay__of_another_standard__reads_no_statement(client, lrs, database, keys, editor):
    send(lrs, long_one(1))
    add_rule(client, editor)

    assert replay(client, editor, standard="caliper") == (0, 0, 0)
    assert event_numbers(database, keys) == []


@pytest.mark.parametrize("make", [danced, long_one])
def test_replay__a_discarded_statement__never_makes_it_an_event(
    client, lrs, database, keys, editor, make
):
    send(lrs, make(1))
    client.post(f"{ENVIRONMENT}/quarantine/discard", json={"reason": "a test"}, headers=editor)
    with database.write() as session:
        quarantine.forget_before(session, utc_now() + timedelta(days=1))
    add_rule(client, editor)

    assert replay(client, editor) == (0, 0, 0)
    assert event_numbers(database, keys) == []


def test_replay__more_than_one_call_reads__comes_to_the_end_past_what_is_refused(
    client, lrs, database, keys, editor, monkeypatch
):
    monkeypatch.setattr(quarantine, "MAX_WAITING", 0)
    monkeypatch.setattr(waiting, "PAGE_ROWS", 1)
    monkeypatch.setattr(waiting, "MAX_READ", 2)
    send(lrs, danced(1, SANG), danced(2, SANG), danced(3), danced(4), danced(5, SANG))
    add_rule(client, editor)

    calls = [replay(client, editor, standard="xapi") for _ in range(4)]

    # the count of quarantine's own "full" is one more that is kept
    assert [(taken, left) for taken, _kept, left in calls] == [(0, 3), (2, 1), (0, 0), (0, 1)]
    assert event_numbers(database, keys) == [3, 4]


def test_replay__of_the_store__is_in_the_audit_log_by_counts(client, lrs, database, keys, editor):
    send(lrs, long_one(1))
    add_rule(client, editor)
    replay(client, editor)

    with database.read() as session:
        wanted = select(AuditEntry).where(AuditEntry.action == "quarantine.replay_statements")
        entry = session.exec(wanted).one()

    assert entry.after == {"n_replayed": 1, "n_kept": 0, "n_left": 0}


def test_waiting__statement_that_is_forgotten__is_forgotten_too(lrs, database, keys):
    send(lrs, danced(1), danced(2))

    with database.write() as session:
        service.forget_before(session, keys.environment.id, utc_now() + timedelta(days=1))

    assert n_waiting(database) == 0


def test_migration__statements_from_before__all_wait_but_the_voided(
    lrs, client, database, keys, editor
):
    send(lrs, danced(1), danced(2), reference(VOIDED, str(UUID(int=2))))

    notes_from_before(database)

    add_rule(client, editor)
    assert n_waiting(database) == 1
    assert replay(client, editor) == (1, 0, 0)
    assert event_numbers(database, keys) == [1]


MAKES = [danced, long_one, long_one_with_its_id_last]


@pytest.mark.parametrize("make", MAKES)
def test_migration__after_a_discard__makes_no_event_of_what_was_discarded(
    client, lrs, database, keys, editor, make
):
    send(lrs, make(1), [make(2), make(3)])
    discard(client, editor, ids=[quarantined_id(database, n) for n in (1, 2)])

    notes_from_before(database)

    add_rule(client, editor)
    assert n_waiting(database) == 1
    assert replay(client, editor) == (1, 0, 0)
    assert event_numbers(database, keys) == [3]


@pytest.mark.parametrize("make", MAKES)
def test_migration__before_a_discard__makes_no_event_of_what_is_discarded(
    client, lrs, database, keys, editor, make
):
    send(lrs, make(1), [make(2), make(3)])
    notes_from_before(database)

    n_discarded = discard(client, editor, ids=[quarantined_id(database, n) for n in (1, 2)])

    add_rule(client, editor)
    assert (n_discarded, n_waiting(database)) == (2, 1)
    assert replay(client, editor) == (1, 0, 0)
    assert event_numbers(database, keys) == [3]


@pytest.mark.parametrize("make", MAKES)
def test_migration__of_what_quarantine_holds__has_each_counted_once(
    client, lrs, database, editor, make
):
    send(lrs, make(1), make(2))
    notes_from_before(database)

    kept = replay(client, editor)

    assert kept == (0, 2, 0)


def test_migration__of_what_quarantine_only_counted__settles_the_count(
    client, lrs, database, keys, editor, monkeypatch
):
    monkeypatch.setattr(quarantine, "MAX_WAITING", 1)
    send(lrs, danced(1, SANG), danced(2))
    notes_from_before(database)
    add_rule(client, editor)

    replay(client, editor)

    assert event_numbers(database, keys) == [2]
    assert [status for status, _note in items(database)] == ["waiting", "replayed"]


def test_migration__a_statement_that_came_again__goes_by_its_later_stay_in_quarantine(
    client, lrs, database, keys, editor
):
    send(lrs, danced(1))
    discard(client, editor)
    with database.write() as session:
        service.forget_before(session, keys.environment.id, utc_now() + timedelta(days=1))
    send(lrs, danced(1))

    notes_from_before(database)

    add_rule(client, editor)
    assert replay(client, editor) == (1, 0, 0)
