"""The doctor finds what was broken on purpose, says what to do, and changes nothing."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from analysis.lake.tables import data_files, open_table
from experiment_server.cli import app as cli
from experiment_server.columns import utc_now
from experiment_server.db import Database
from experiment_server.doctor import CHECKS, disk, examine, lake, versions
from experiment_server.doctor.finding import Level
from experiment_server.ingest.sealing import lake_root, seal_all
from experiment_server.ingest.service import receive
from experiment_server.schedule import service as schedule
from experiment_server.schedule.models import JobRun
from experiment_server.state import State
from tests.factories import make_environment
from tests.ports import free_port


@pytest.fixture
def environment(database):
    return make_environment(database)


@pytest.fixture
def state(settings, database, environment):
    return State(settings=replace(settings, scheduler=True), database=database)


def post(state, environment, n=5):
    now = utc_now()
    items = [
        {
            "type": "event",
            "id": f"e-{number}",
            "kind": "challenge_completed",
            "learner": f"l-{number}",
            "at": (now - timedelta(hours=1)).isoformat(),
        }
        for number in range(n)
    ]
    receive(state.database, environment.id, items, now, may_describe=True)


def seen_by_doctor(state):
    """What was found, without that the tests' own PostgreSQL does not wait for its disk."""
    return [one for one in examine(state) if not one.what.startswith("PostgreSQL's")]


def found(state, area, level):
    return [one for one in seen_by_doctor(state) if (one.area, one.level) == (area, level)]


def test_doctor__healthy_server__finds_nothing_wrong(state, environment):
    post(state, environment)
    seal_all(state.database, environment, lake_root(state.settings.lake_dir, environment))

    seen = seen_by_doctor(state)

    assert {one.area for one in seen} == {area for area, _ in CHECKS}
    assert [one for one in seen if one.level is Level.ERROR] == []
    assert [one.what for one in seen if one.level is Level.WARNING and one.area != "disk"] == [
        "Nobody can sign in: there is no member."
    ]


def test_doctor__every_finding_that_is_not_fine__says_what_to_do(state, database):
    with database.write() as session:
        schedule.pause(session, "seal", utc_now())

    seen = examine(replace(state, settings=replace(state.settings, scheduler=False)))

    worse = [one for one in seen if one.level is not Level.FINE]
    assert len(worse) >= 3
    assert all(one.remedy for one in worse)


def test_doctor__events_that_nobody_seals__are_an_error(state, environment):
    post(state, environment)
    later = replace(state, clock=lambda: utc_now() + timedelta(hours=2))

    (late,) = found(later, "schedule", Level.ERROR)

    assert "waited for the lake" in late.what
    assert "--only seal" in late.remedy


def test_doctor__failed_job__is_named_with_its_error(state, database):
    now = utc_now()
    with database.write() as session:
        session.add(
            JobRun(
                job="look",
                scope="production/badge",
                slot_at=now,
                owner="me:1",
                claimed_at=now,
                lease_until=now,
                finished_at=now,
                outcome="failed",
                error="OSError: disk full",
            )
        )

    (failed,) = found(state, "schedule", Level.ERROR)

    assert "disk full" in failed.what
    assert failed.remedy.endswith("momentum schedule retry look")


def test_doctor__clock_that_went_back__is_an_error(state, database):
    ahead = utc_now() + timedelta(hours=3)
    with database.write() as session:
        session.add(
            JobRun(
                job="seal",
                slot_at=ahead,
                owner="me:1",
                claimed_at=ahead,
                lease_until=ahead,
                finished_at=ahead,
                outcome="done",
            )
        )

    (apart,) = found(state, "clocks", Level.ERROR)

    assert "NTP" in apart.remedy


def test_doctor__lake_file_removed_by_hand__is_named(state, environment):
    root = lake_root(state.settings.lake_dir, environment)
    post(state, environment)
    seal_all(state.database, environment, root)
    gone = data_files(open_table(root, "events"), root, "events")[0]
    Path(gone).unlink()

    (missing,) = found(state, "lake", Level.ERROR)

    assert gone in missing.what


def test_doctor__lake_of_another_place__is_an_error(state, environment, tmp_path):
    post(state, environment)
    seal_all(state.database, environment, lake_root(state.settings.lake_dir, environment))
    elsewhere = replace(state, settings=replace(state.settings, lake_dir=str(tmp_path / "other")))

    (empty,) = found(elsewhere, "lake", Level.ERROR)

    assert "MOMENTUM_LAKE_DIR" in empty.remedy


def test_doctor__older_schema__is_an_error_and_the_rest_waits(state, database):
    with database.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))

    (older,) = found(state, "store", Level.ERROR)

    assert "at 0003" in older.what
    assert [one.what for one in found(state, "lake", Level.WARNING)] == ["Not looked at."]


def test_doctor__unknown_schema__asks_for_the_later_program(state, database):
    with database.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = 'ffff'"))

    (later,) = found(state, "store", Level.ERROR)

    assert "later" in later.remedy


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_doctor__postgresql_that_does_not_wait_for_its_disk__is_an_error(state):
    lazy = [one for one in examine(state) if one.what == "PostgreSQL's fsync is off."]

    assert [one.level for one in lazy] == [Level.ERROR]
    assert lazy[0].remedy.startswith("Set fsync = on")


def test_doctor__database_away__is_said_and_the_rest_waits(state, database, monkeypatch):
    def away():
        raise OperationalError("SELECT 1", {}, OSError("connection refused"))

    monkeypatch.setattr(database, "read", away)

    (broken,) = found(state, "store", Level.ERROR)

    assert "connection refused" in broken.what


def test_doctor__postgresql_is_down__says_how_to_see_that_and_what_else_to_check(settings):
    url = f"postgresql://momentum:secret@127.0.0.1:{free_port()}/momentum"

    (down,) = found(State(settings=settings, database=Database(url)), "store", Level.ERROR)

    assert "refused" in down.what
    assert f"pg_isready -h 127.0.0.1 -p {sa.make_url(url).port}" in down.remedy
    assert "pg_hba.conf" in down.remedy
    assert "secret" not in down.what + down.remedy


def test_doctor__sqlite_file_cannot_be_opened__names_it_and_what_to_check(settings, tmp_path):
    path = tmp_path / "momentum.sqlite"
    path.write_bytes(b"this is no database" * 100)

    state = State(settings=settings, database=Database(f"sqlite:///{path}"))
    (broken,) = found(state, "store", Level.ERROR)

    assert "not a database" in broken.what
    assert f"{path} and its folder" in broken.remedy


def test_doctor__lake_cannot_be_read__says_what_to_check(state, monkeypatch):
    def away(*_given):
        raise OSError("no route to host")

    monkeypatch.setattr(lake, "open_table", away)

    (broken,) = found(state, "lake", Level.ERROR)

    assert "no route to host" in broken.what
    assert "MOMENTUM_LAKE_OPTIONS" in broken.remedy


def test_doctor__full_disk__is_an_error(state, monkeypatch):
    usage = type("Usage", (), {"total": 100 * disk.GIB, "free": disk.GIB // 4})
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _path: usage)

    full = found(state, "disk", Level.ERROR)

    assert "0.2 GiB" in full[0].what
    assert "Make room" in full[0].remedy


def test_doctor__network_file_system__is_told_from_a_local_one(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {tmp_path}/far nfs4 rw 0 0\n")
    (tmp_path / "far").mkdir()

    assert disk._is_network(tmp_path / "far" / "momentum.db", mounts)
    assert not disk._is_network(tmp_path / "momentum.db", mounts)


def test_doctor__package_of_another_version__is_named(state, monkeypatch):
    monkeypatch.setattr(versions, "requires", lambda _name: ["duckdb<1", "nowhere>=2"])

    misfits = [one.what for one in found(state, "versions", Level.ERROR)]

    assert misfits[0].startswith("duckdb is 1.")
    assert misfits[1] == "nowhere is not installed, expected nowhere>=2."


def test_doctor__check_that_fails__is_a_finding_and_the_others_go_on(state, monkeypatch):
    monkeypatch.setattr(versions, "requires", lambda _name: 1 / 0)

    (broken,) = found(state, "versions", Level.ERROR)

    assert "ZeroDivisionError" in broken.what
    assert found(state, "store", Level.FINE)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_command__healthy_and_not__ends_with_0_and_1(state, settings, database_url):
    env = {
        "MOMENTUM_DATABASE_URL": database_url,
        "MOMENTUM_DATA_DIR": str(settings.data_dir),
        "MOMENTUM_LAKE_DIR": settings.lake_dir,
    }
    healthy = CliRunner().invoke(cli, ["doctor"], env=env)
    with state.database.write() as session:
        session.execute(sa.text("UPDATE alembic_version SET version_num = '0003'"))

    ill = CliRunner().invoke(cli, ["doctor", "--json"], env=env)

    assert (healthy.exit_code, ill.exit_code) == (0, 1), healthy.output
    assert "0 errors" in healthy.output
    assert '"level": "error"' in ill.output


def test_command__no_database_yet__makes_none(tmp_path):
    env = {"MOMENTUM_DATABASE_URL": "", "MOMENTUM_DATA_DIR": str(tmp_path / "none")}

    refused = CliRunner().invoke(cli, ["doctor"], env=env)

    assert "momentum serve" in str(refused.exception)
    assert not (tmp_path / "none").exists()
