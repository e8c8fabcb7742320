"""Claiming slots: once, with take-over of the dead and fencing of the slow."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from experiment_server.schedule import slots
from experiment_server.schedule.job import Job, Slot

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
JOB = Job("look", "Looks", lambda *_: [], lambda *_: None, lease_s=60)
SLOT = Slot("production/badge", NOW)
LATER = NOW + timedelta(seconds=61)


def claim(database, owner="one", now=NOW, slot=SLOT):
    with database.write() as session:
        return slots.claim(session, JOB, slot, owner, now)


def finish(database, claimed, now=NOW, error=""):
    with database.write() as session:
        return slots.finish(session, claimed, now, error)


def test_claim__a_free_slot__is_granted_once(database):
    assert claim(database).epoch == 1
    assert claim(database, "two") is None


def test_claim__twenty_at_once__one_gets_it(database):
    with ThreadPoolExecutor(20) as pool:
        claims = list(pool.map(lambda n: claim(database, f"server-{n}"), range(20)))

    assert sum(claimed is not None for claimed in claims) == 1


def test_claim__another_scope_or_time__is_another_slot(database):
    claim(database)

    assert claim(database, slot=Slot("production/league", NOW)) is not None
    assert claim(database, slot=Slot("production/badge", LATER)) is not None


def test_claim__the_owner_died__is_taken_over_with_the_next_epoch(database):
    first = claim(database)

    second = claim(database, "two", LATER)

    assert (second.run_id, second.epoch) == (first.run_id, 2)


def test_claim__a_done_slot__never_runs_again(database):
    finish(database, claim(database))

    assert claim(database, "two", NOW + timedelta(days=365)) is None


def test_finish__by_an_owner_that_was_taken_over__is_refused(database):
    stale = claim(database)
    fresh = claim(database, "two", LATER)

    assert finish(database, stale, LATER) is False
    assert finish(database, fresh, LATER) is True


def test_confirm__by_an_owner_that_was_taken_over__raises(database):
    stale = claim(database)
    fresh = claim(database, "two", LATER)

    with database.write() as session:
        slots.confirm(session, fresh)
    with pytest.raises(slots.LeaseLostError, match="took it over"), database.write() as session:
        slots.confirm(session, stale)


def test_claim__a_failed_slot__comes_again_later_and_a_bounded_number_of_times(database):
    now, attempts = NOW, 0
    while (claimed := claim(database, now=now)) is not None:
        finish(database, claimed, now, error="ValueError: no")
        assert claim(database, now=now) is None  # not at once
        attempts += 1
        now += timedelta(days=2)

    assert attempts == slots.MAX_ATTEMPTS
