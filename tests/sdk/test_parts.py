"""The small parts: back-off, options, notices, remembered exposures."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from momentum_sdk.backoff import Backoff, read_retry_after
from momentum_sdk.exposures import SeenExposures
from momentum_sdk.notices import LOGGER_NAME, Notices
from momentum_sdk.options import Options, read_options, waiting_time


@pytest.mark.parametrize(("dice", "share"), [(0.0, 1.0), (0.999, 0.5)])
def test_backoff__failures__double_to_thirty_seconds_with_half_jitter(dice, share) -> None:
    backoff = Backoff(1.0, lambda: dice)

    waits = [backoff.after_failure() for _ in range(8)]

    assert waits == pytest.approx([n * share for n in (1, 2, 4, 8, 16, 30, 30, 30)], rel=0.01)


def test_backoff__two_minutes_of_refusal__is_at_most_ten_attempts() -> None:
    backoff = Backoff(1.0, lambda: 0.5)
    spent, n = 0.0, 0
    while spent < 120:
        spent += backoff.after_failure()
        n += 1

    assert n <= 10


def test_backoff__success__starts_anew() -> None:
    backoff = Backoff(1.0, lambda: 0.0)
    for _ in range(5):
        backoff.after_failure()

    backoff.reset()

    assert backoff.after_failure() == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_backoff__wrong_key_or_address__waits_minutes_but_not_for_ever(status) -> None:
    assert 150 <= Backoff(1.0).after_failure(status) <= 300


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("9" * 50, 600),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        (None, None),
    ],
)
def test_retry_after__header__is_read_or_ignored(text, seconds) -> None:
    assert read_retry_after(text) == seconds


def test_retry_after__a_date__is_the_time_until_then() -> None:
    text = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)

    assert read_retry_after(text) == pytest.approx(60, abs=2)


@given(st.text())
def test_retry_after__any_text__is_within_bounds(text) -> None:
    seconds = read_retry_after(text)

    assert seconds is None or 0 <= seconds <= 600


def test_options__right_ones__are_taken() -> None:
    options, complaints = read_options({"poll_interval_s": 5, "compress": True, "queue_size": 7})

    assert complaints == []
    assert options == Options(poll_interval_s=5.0, compress=True, queue_size=7)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"poll_interval": 5}, "poll_interval"),
        ({"poll_interval_s": "5"}, "poll_interval_s"),
        ({"poll_interval_s": float("nan")}, "poll_interval_s"),
        ({"poll_interval_s": 0}, "poll_interval_s"),
        ({"batch_size": 1_001}, "batch_size"),
        ({"batch_size": True}, "batch_size"),
        ({"batch_size": 1.5}, "batch_size"),
        ({"compress": 1}, "compress"),
        ({"payload_file": 3}, "payload_file"),
    ],
)
def test_options__wrong_one__is_complained_of_and_left_at_its_default(config, named) -> None:
    options, complaints = read_options(config)

    assert options == Options()
    assert len(complaints) == 1
    assert named in complaints[0]


def test_options__every_one__can_be_given() -> None:
    given_all = {
        name: getattr(Options(), name) for name in Options.__slots__ if name != "payload_file"
    }

    assert read_options(given_all | {"payload_file": None}) == (Options(), [])


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (2, 2.0),
        (0, 0.0),
        (-1, 0.0),
        (float("nan"), 0.0),
        (float("inf"), 1e6),
        ("2", 0.0),
        (None, 0.0),
    ],
)
def test_waiting_time__anything__is_bounded(asked, waited) -> None:
    assert waiting_time(asked) == waited


def test_notices__a_thousand_in_a_minute__are_one_line_and_a_count(caplog) -> None:
    caplog.set_level(logging.DEBUG, logger=LOGGER_NAME)
    now = [0.0]
    notices = Notices(lambda: now[0])
    for _ in range(1_000):
        notices.warn("full", "the queue is full")
    notices.warn("other", "another thing")

    now[0] = 61.0
    notices.warn("full", "the queue is full")

    assert [record.getMessage() for record in caplog.records] == [
        "Momentum: the queue is full",
        "Momentum: another thing",
        "Momentum: the queue is full (and 999 times more since the last such line)",
    ]


@given(st.lists(st.integers(0, 30)), st.integers(1, 20))
def test_seen_exposures__any_order__never_holds_more_than_its_size(numbers, size) -> None:
    seen = SeenExposures(size)
    for number in numbers:
        seen.add(number)
        assert number in seen

    assert sum(number in seen for number in range(31)) <= max(size, 2)


def test_seen_exposures__size_zero__remembers_nothing() -> None:
    seen = SeenExposures(0)

    seen.add("one")

    assert "one" not in seen
