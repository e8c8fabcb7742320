"""``momentum schedule`` and ``momentum report``."""

import pytest

from experiment_server.schedule import service
from tests.lived import DAY, START, live

AS_OF = f"{START + 35 * DAY:%Y-%m-%d}"


@pytest.fixture
def lived(settings, database):
    return live(settings, database, n_learners=100)


def test_schedule__run_due__reads_missed_looks_in_order_and_reports(lived, momentum):
    done = momentum("schedule", "run-due", "--as-of", AS_OF)

    assert done.code == 0
    lines = [line.partition(":")[0] for line in done.text.splitlines()]
    assert sum(line.startswith("look production/streak-bonus") for line in lines) == 3
    assert any(line.startswith("weekly_report production") for line in lines)
    assert "failed" not in done.text


def test_schedule__only_some_jobs__runs_no_other(lived, momentum):
    done = momentum("schedule", "run-due", "--only", "seal", "--as-of", AS_OF)

    assert [line.split()[0] for line in done.text.splitlines()] == ["seal"]


def test_schedule__a_paused_job__is_shown_and_left_out(lived, momentum):
    momentum("schedule", "pause", "look")

    listed = momentum("schedule", "list").text
    done = momentum("schedule", "run-due", "--only", "look", "--as-of", AS_OF)
    momentum("schedule", "resume", "look")
    after = momentum("schedule", "run-due", "--only", "look", "--as-of", AS_OF)

    assert any(line.startswith("look") and "paused" in line for line in listed.splitlines())
    assert "Nothing was due." in done.text
    assert after.text.count("look ") == 3


def test_schedule__a_failed_job__ends_with_1_is_listed_and_may_be_retried(
    lived, momentum, monkeypatch, database
):
    from analysis import read

    def fail(*_args):
        raise OSError("the disk is full")

    monkeypatch.setattr(read, "run_readout", fail)
    failed = momentum("schedule", "run-due", "--only", "look", "--as-of", AS_OF)
    listed = momentum("schedule", "list").text
    monkeypatch.undo()

    assert failed.code == 1
    assert "the disk is full" in listed
    with database.write() as session:
        assert service.forget_failures(session, "look") == 1


def test_schedule__a_job_that_does_not_exist__is_refused_with_the_list(momentum):
    refused = momentum("schedule", "pause", "lok")

    assert refused.code == 2
    assert "weekly_report" in refused.refusal


def test_report__by_hand__prints_stores_and_sends(lived, momentum, settings):
    done = momentum("report", "weekly", "--as-of", AS_OF)

    assert done.code == 0
    assert done.text.startswith("Winners of the week: Production")
    assert "Winners of the week" in (settings.data_dir / "reports.log").read_text()
