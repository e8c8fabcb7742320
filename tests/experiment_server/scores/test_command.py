"""``momentum energize`` and ``momentum readout``."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from experiment_server.scores import service
from tests.factories import make_environment
from tests.lived import DAY, KEY, START, live

UNTIL = f"{START + 25 * DAY:%Y-%m-%d}"


@pytest.fixture
def lived(settings, database):
    return live(settings, database, n_learners=150)


def test_energize__calibrated__makes_a_version_that_is_shown_and_explains(
    lived, momentum, database
):
    made = momentum("energize", "calibrate", "--as-of", UNTIL)
    shown = momentum("energize", "show", "--as-of", UNTIL)
    why = momentum("energize", "explain", "learner-4", "--as-of", UNTIL)

    with database.read() as session:
        [version] = service.list_versions(session, lived.environment)
    assert version.version in made.text
    assert "learners at 2026-01-30: half of them score between" in shown.text
    assert "retention" in why.text
    assert "Active in" in why.text


def test_energize__calibrated_twice_on_the_same_history__is_one_version(lived, momentum, database):
    for _ in range(2):
        assert momentum("energize", "calibrate", "--as-of", UNTIL).code == 0

    with database.read() as session:
        assert len(service.list_versions(session, lived.environment)) == 1


def test_energize__before_any_calibration__says_how_to_calibrate(lived, momentum):
    refused = momentum("energize", "show")

    assert refused.code == 2
    assert "momentum energize calibrate" in refused.refusal


def test_energize__explaining_somebody_unknown__says_what_to_check(lived, momentum):
    momentum("energize", "calibrate", "--as-of", UNTIL)

    refused = momentum("energize", "explain", "nobody", "--as-of", UNTIL)

    assert refused.code == 2
    assert "--as-of" in refused.refusal


def test_energize__validated_on_a_short_history__says_what_is_missing(lived, momentum):
    momentum("energize", "calibrate", "--as-of", UNTIL)

    refused = momentum("energize", "validate", "--as-of", UNTIL)

    assert refused.code == 2
    assert "window" in refused.refusal


def test_energize__a_day_that_is_none__is_refused_with_an_example(lived, momentum):
    refused = momentum("energize", "calibrate", "--as-of", "yesterday")

    assert refused.code == 2
    assert "2026-03-01" in refused.refusal


def test_energize__calibrated_up_to_a_time_to_come__is_refused(lived, momentum, database):
    tomorrow = datetime.now(UTC) + timedelta(hours=12)

    refused = momentum("energize", "calibrate", "--as-of", tomorrow.isoformat())

    assert refused.code == 2
    assert "a time that is past" in refused.refusal
    with database.read() as session:
        assert not service.list_versions(session, lived.environment)


def test_energize__calibrated_on_less_history_than_the_window__says_what_fits(lived, momentum):
    too_long = momentum("energize", "calibrate", "--as-of", UNTIL, "--window-days", "56")

    assert too_long.code == 2
    assert "window_days" in too_long.refusal
    longest = re.search("at most ([0-9]+) days", too_long.refusal)[1]
    assert momentum("energize", "calibrate", "--as-of", UNTIL, "--window-days", longest).code == 0


@pytest.mark.parametrize("at", ["0001-01-01", "9999-12-31", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize(
    "command",
    [
        ("energize", "calibrate"),
        ("energize", "show"),
        ("energize", "explain", "learner-4"),
        ("energize", "validate"),
        ("report", "weekly"),
        ("readout", KEY),
        ("schedule", "run-due"),
    ],
    ids=" ".join,
)
def test_as_of__out_of_bounds__is_one_clear_line(momentum, database, command, at):
    make_environment(database)

    refused = momentum(*command, "--as-of", at)

    assert refused.code == 2
    assert "expected a time from 2000-01-01 to tomorrow" in refused.refusal


def test_readout__by_hand__prints_the_verdict_and_stores_it(lived, momentum):
    done = momentum("readout", KEY, "--as-of", UNTIL)

    assert done.code == 0
    assert done.text.startswith("Streak bonus: ")
    assert "Stored as readout 1." in done.text
    assert "SHIP" not in done.text


def test_readout__of_an_unknown_experiment__is_one_clear_line(lived, momentum):
    refused = momentum("readout", "nope")

    assert refused.code == 2
    assert "'nope'" in refused.refusal
