"""What is put into quarantine is kept once, counted, and leaves it once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import select

from experiment_server.audit.models import AuditEntry
from experiment_server.problems import Problem
from experiment_server.quarantine import service
from experiment_server.quarantine.held import DISCARDED, REPLAYED, WAITING, Held, Why
from experiment_server.quarantine.models import QuarantinedItem
from experiment_server.quarantine.service import Chosen
from experiment_server.replays.readers import read_again
from experiment_server.security.roles import SYSTEM
from tests.factories import NOW, make_environment

UNKNOWN_KIND = Why("kind", "'stroll' is unknown", "use custom:stroll")
EVERYTHING = Chosen()


def hold(database, environment, *things, why=UNKNOWN_KIND, at=NOW, learner=None, standard="native"):
    with database.write() as session:
        held = [Held(thing, why, learner) for thing in things]
        service.hold(session, environment.id, standard, held, at)


def stored(database):
    with database.read() as session:
        return list(session.exec(select(QuarantinedItem).order_by(QuarantinedItem.id)))


def takes(*good):
    """A parser that takes these things and notes what it took."""
    taken = []

    def read_again(_session, _environment_id, _standard, _received_at, things):
        taken.extend(thing.raw for thing in things if thing.raw in good)
        return [
            None if thing.raw in good else Why("at", "is missing", "send at") for thing in things
        ]

    read_again.taken = taken
    return read_again


def test_hold__the_same_thing_again__is_counted_and_kept_once(database):
    environment = make_environment(database)
    hold(database, environment, {"id": "a"}, {"id": "b"}, {"id": "a"})
    hold(database, environment, {"id": "a"}, at=NOW + timedelta(hours=1))

    found = {item.raw: (item.times, item.received_at, item.status) for item in stored(database)}

    assert found == {'{"id":"a"}': (3, NOW, WAITING), '{"id":"b"}': (1, NOW, WAITING)}


@pytest.mark.parametrize("thing", [None, "x\x00y", "\ud800", 5, [], {"Zoë": "学习"}, {"\x00": 1}])
def test_hold__whatever_json_there_is__comes_back_as_it_was(database, thing):
    environment = make_environment(database)
    hold(database, environment, thing)
    read_again = takes(thing)

    service.replay(database, SYSTEM, environment, EVERYTHING, read_again, NOW)

    assert read_again.taken == [thing]


def test_hold__very_long_thing__keeps_its_beginning_and_is_never_replayed(database):
    environment = make_environment(database)
    hold(database, environment, {"text": "x" * 1_000_000})

    done = service.replay(database, SYSTEM, environment, EVERYTHING, takes(), NOW)

    [item] = stored(database)
    assert len(item.raw) == 65_536
    assert (item.is_whole, item.status) == (False, WAITING)
    assert done == (0, 1, 0)


def test_hold__full_quarantine__counts_without_keeping(database, monkeypatch):
    monkeypatch.setattr(service, "MAX_WAITING", 2)
    environment = make_environment(database)
    hold(database, environment, 1, 2)
    hold(database, environment, 3, 4, 5)
    hold(database, environment, 6)

    found = sorted((item.raw, item.times) for item in stored(database))

    assert found == [("1", 1), ("2", 1), ("null", 4)]
    assert "full" in stored(database)[-1].reason


def test_replay__things_that_were_only_counted__are_left_alone(database, monkeypatch):
    monkeypatch.setattr(service, "MAX_WAITING", 1)
    environment = make_environment(database)
    hold(database, environment, {"id": "a"}, standard="native")
    hold(database, environment, {"id": "b"}, standard="xapi")

    done = service.replay(database, SYSTEM, environment, EVERYTHING, read_again, NOW)

    assert done == (0, 2, 0)
    assert stored(database)[-1].raw == "null"
    assert "full" in stored(database)[-1].reason


def test_count_causes__values_that_differ__count_together_and_words_apart(database):
    environment = make_environment(database)
    for n in range(3):
        why = Why("at", f"'2026-03-0{n}T09:00' has no time zone", "end with Z")
        hold(database, environment, n, why=why)
    hold(database, environment, "x", why=UNKNOWN_KIND)
    hold(database, environment, "y", why=Why("kind", "'jog' is unknown", "use custom:jog"))

    with database.read() as session:
        counted = service.count_causes(session, environment.id)

    assert [(one.field, one.cause, one.n_items) for one in counted] == [
        ("at", "… has no time zone", 3),
        ("kind", "'jog' is unknown", 1),
        ("kind", "'stroll' is unknown", 1),
    ]


def test_replay__after_the_mapping_was_fixed__takes_each_thing_once(database):
    environment = make_environment(database)
    hold(database, environment, "good", "bad")
    read_again = takes("good")

    first = service.replay(database, SYSTEM, environment, EVERYTHING, read_again, NOW)
    second = service.replay(database, SYSTEM, environment, EVERYTHING, read_again, NOW)

    found = {item.raw: (item.status, item.reason) for item in stored(database)}
    assert (first, second) == ((1, 1, 0), (0, 1, 0))
    assert read_again.taken == ["good"]
    assert found == {
        '"good"': (REPLAYED, UNKNOWN_KIND.reason),
        '"bad"': (WAITING, "is missing"),
    }


def test_replay__two_at_once__take_each_thing_once(database):
    environment = make_environment(database)
    things = list(range(40))
    hold(database, environment, *things)
    read_again = takes(*things)

    def replay(_n):
        return service.replay(database, SYSTEM, environment, EVERYTHING, read_again, NOW)

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(replay, range(3)))

    assert sorted(read_again.taken) == things
    assert sum(one.n_replayed for one in done) == len(things)


def test_replay__more_than_one_call_takes__says_what_is_left(database, monkeypatch):
    monkeypatch.setattr(service, "REPLAY_ROWS", 2)
    monkeypatch.setattr(service, "MAX_SETTLED", 4)
    environment = make_environment(database)
    hold(database, environment, *range(7))
    read_again = takes(*range(7))

    first = service.replay(database, SYSTEM, environment, EVERYTHING, read_again, NOW)
    second = service.replay(database, SYSTEM, environment, EVERYTHING, read_again, NOW)

    assert (first, second) == ((4, 0, 3), (3, 0, 0))


def test_replay__more_are_refused_than_one_call_tries__comes_to_those_behind_them(
    database, monkeypatch
):
    monkeypatch.setattr(service, "MAX_SETTLED", 2)
    environment = make_environment(database)
    for thing in ("bad", "worse", "worst", "good"):
        hold(database, environment, thing)
    read_again = takes("good")

    first = service.replay(database, SYSTEM, environment, EVERYTHING, read_again, NOW)
    second = service.replay(database, SYSTEM, environment, EVERYTHING, read_again, NOW)

    assert (first, second) == ((0, 2, 2), (1, 1, 2))
    assert read_again.taken == ["good"]


def test_replay__chosen_by_standard_cause_and_id__leaves_the_others(database):
    environment = make_environment(database)
    hold(database, environment, "a", "b")
    hold(database, environment, "a", standard="xapi")
    hold(database, environment, "c", why=Why("at", "is missing", "send at"))
    ids = {item.raw: item.id for item in stored(database) if item.standard == "native"}
    read_again = takes("a", "b", "c")

    for chosen in (Chosen(standard="xapi"), Chosen(cause="is missing"), Chosen(ids=(ids['"b"'],))):
        service.replay(database, SYSTEM, environment, chosen, read_again, NOW)

    assert read_again.taken == ["a", "c", "b"]
    assert [item.raw for item in stored(database) if item.status == WAITING] == ['"a"']


def test_discard__with_a_reason__is_audited_and_never_replayed(database):
    environment = make_environment(database)
    hold(database, environment, {"learner": "ada"})

    with database.write() as session:
        n_discarded = service.discard(
            session, SYSTEM, environment, EVERYTHING, "a test sent it", NOW
        )
    read_again = takes({"learner": "ada"})
    service.replay(database, SYSTEM, environment, EVERYTHING, read_again, NOW)

    [item] = stored(database)
    with database.read() as session:
        entry = session.exec(
            select(AuditEntry).where(AuditEntry.action == "quarantine.discard")
        ).one()
    assert n_discarded == 1
    assert (item.status, item.note, read_again.taken) == (DISCARDED, "a test sent it", [])
    assert entry.resource == "quarantine:production"
    assert entry.after["reason"] == "a test sent it"
    assert "ada" not in str(entry.after)


def test_discard__id_that_does_not_wait__is_not_found(database):
    environment = make_environment(database)

    with pytest.raises(Problem, match="no waiting thing 7"), database.write() as session:
        service.discard(session, SYSTEM, environment, Chosen(ids=(7,)), "", NOW)


def test_list_items__of_another_environment__are_never_shown_or_settled(database):
    mine, other = make_environment(database), make_environment(database, "staging")
    hold(database, other, "theirs")
    read_again = takes("theirs")

    done = service.replay(database, SYSTEM, mine, EVERYTHING, read_again, NOW)
    with database.read() as session:
        listed = service.list_items(session, mine.id, None, EVERYTHING, limit=10)

    assert (listed, done.n_replayed, read_again.taken) == ([], 0, [])


def test_forget__by_age_and_by_learner__removes_just_those(database):
    environment = make_environment(database)
    hold(database, environment, "old", at=NOW - timedelta(days=91))
    hold(database, environment, "ada's", learner="aa" * 16)
    hold(database, environment, "ben's", learner="bb" * 16)

    with database.write() as session:
        n_old = service.forget_before(session, NOW - timedelta(days=90))
        n_ada = service.forget_learner(session, environment.id, "aa" * 16)

    assert (n_old, n_ada) == (1, 1)
    assert [item.raw for item in stored(database)] == ['"ben\'s"']
