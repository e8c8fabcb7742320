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

RETRY_AFTERS = ["0", "0000", "soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT", "1", None]


class Clock:
    """A time that passes when told."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def attempts_in(clock: Clock, backoff: Backoff, seconds: float, *answer) -> int:
    """How many requests fail in so long when each is answered in this way."""
    n, end = 0, clock.now + seconds
    while clock.now < end:
        clock.now += backoff.after_failure(*answer).wait_s
        n += 1
    return n


@pytest.mark.parametrize(("dice", "share"), [(0.0, 1.0), (0.999, 0.5)])
def test_backoff__failures__double_to_thirty_seconds_with_half_jitter(dice, share) -> None:
    backoff = Backoff(1.0, lambda: dice)

    waits = [backoff.after_failure().wait_s for _ in range(8)]

    assert waits == pytest.approx([n * share for n in (1, 2, 4, 8, 16, 30, 30, 30)], rel=0.01)


@pytest.mark.parametrize("status", [None, 200, 429, 500, 503])
@pytest.mark.parametrize("retry_after", RETRY_AFTERS)
def test_backoff__two_minutes_of_refusal__is_at_most_ten_attempts(
    clock, status, retry_after
) -> None:
    backoff = Backoff(1.0, lambda: 0.5, clock)

    assert attempts_in(clock, backoff, 120, status, retry_after) <= 10


@pytest.mark.parametrize("status", [401, 403, 404, 405])
@pytest.mark.parametrize("retry_after", RETRY_AFTERS)
def test_backoff__wrong_key_or_address__waits_minutes_but_not_for_ever(status, retry_after) -> None:
    pause = Backoff(1.0).after_failure(status, retry_after)

    assert 150 <= pause.wait_s <= 300
    assert pause.least_s == pause.wait_s, "no flush cuts it short"


@pytest.mark.parametrize("status", [401, 503])
def test_backoff__asked_for_longer__waits_longer(status) -> None:
    pause = Backoff(1.0).after_failure(status, "500")

    assert 500 <= pause.wait_s <= 550
    assert pause.least_s == pause.wait_s


def test_backoff__one_success__does_not_start_anew(clock) -> None:
    backoff = Backoff(1.0, lambda: 0.0, clock)
    waits = []
    for _ in range(6):
        waits.append(backoff.after_failure().wait_s)
        clock.now += 59
        backoff.succeeded()

    assert waits == [1, 2, 4, 8, 16, 30]


def test_backoff__a_minute_of_successes__starts_anew(clock) -> None:
    backoff = Backoff(1.0, lambda: 0.0, clock)
    for _ in range(5):
        backoff.after_failure()

    for _ in range(3):
        backoff.succeeded()
        clock.now += 30

    assert backoff.after_failure().wait_s == 1


def test_backoff__a_rare_failure_of_a_quiet_client__starts_anew(clock) -> None:
    backoff = Backoff(1.0, lambda: 0.0, clock)
    waits = []
    for _ in range(8):
        waits.append(backoff.after_failure().wait_s)
        backoff.succeeded()
        clock.now += 3_600

    assert waits == [1] * 8


def test_backoff__quiet_since_a_failure__does_not_start_anew(clock) -> None:
    backoff = Backoff(1.0, lambda: 0.0, clock)
    waits = []
    for _ in range(3):
        waits.append(backoff.after_failure().wait_s)
        clock.now += 3_600

    assert waits == [1, 2, 4]


def test_backoff__a_minute_with_a_failure_in_it__does_not_start_anew(clock) -> None:
    backoff = Backoff(1.0, lambda: 0.0, clock)
    for _ in range(5):
        backoff.after_failure()
        backoff.succeeded()
        clock.now += 30

    assert backoff.after_failure().wait_s == 30


def test_backoff__hurried__is_not_hurried_again_within_a_first_wait(clock) -> None:
    backoff = Backoff(1.0, lambda: 0.0, clock)
    first = backoff.after_failure()
    backoff.hurried()
    clock.now += 0.25

    second = backoff.after_failure()

    clock.now += 1
    third = backoff.after_failure()
    assert [first.least_s, second.least_s, third.least_s] == [0, 0.75, 0]
    assert second.wait_s == 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("9" * 50, 600),
        ("-1", 0),
        ("soon", 0),
        ("", 0),
        ("1.5", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        (None, 0),
    ],
)
def test_retry_after__header__is_read_or_ignored(text, seconds) -> None:
    assert read_retry_after(text) == seconds


def test_retry_after__a_date__is_the_time_until_then() -> None:
    text = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)

    assert read_retry_after(text) == pytest.approx(60, abs=2)


@given(st.text())
def test_retry_after__any_text__is_within_bounds(text) -> None:
    assert 0 <= read_retry_after(text) <= 600


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
