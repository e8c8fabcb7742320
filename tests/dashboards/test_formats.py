"""Numbers and dates as people read them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dashboards import formats

NARROW = formats.NARROW_SPACE


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1.5, "1.5"),
        (3.14159, "3.14"),
        (1234.5, "1,230"),
        (0.000123, "0.000123"),
        (-0.5, "−0.5"),
        (1e-9, "0"),
        (-1e-9, "0"),
        (100, "100"),
        (9.999, "10"),
        (None, "–"),
    ],
)
def test_number__value__has_three_digits_and_no_idle_zeros(value, text):
    assert formats.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(2.14, "+2.1"), (-0.42, "−0.4"), (0.0, "0.0"), (-0.01, "0.0"), (None, "–")]
)
def test_signed__value__has_a_sign_unless_it_rounds_to_zero(value, text):
    assert formats.signed(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.5, f"50{NARROW}%"),
        (0.0, f"0{NARROW}%"),
        (1.0, f"100{NARROW}%"),
        (0.9999, f"over 99{NARROW}%"),
        (0.0001, f"under 1{NARROW}%"),
        (None, "–"),
    ],
)
def test_percent__share__never_claims_a_false_certainty(share, text):
    assert formats.percent(share) == text


@pytest.mark.parametrize(
    ("ends", "decimals"),
    [((1.1, 5.3), 1), ((-0.011, 0.073), 3), ((6.1, 15.5), 1), ((-40, 80), 0), ((2, 2), 1)],
)
def test_decimals__interval__shows_two_digits_of_half_its_width(ends, decimals):
    assert formats.decimals_for(*ends) == decimals


def test_date__moment_in_another_zone__is_told_in_utc():
    late = datetime(2025, 3, 4, 23, 30, tzinfo=timezone(timedelta(hours=-5)))

    assert formats.date(late) == "5 Mar 2025"
    assert formats.date_time(late) == "5 Mar 2025, 04:30 UTC"
    assert formats.iso(late) == "2025-03-05T04:30:00+00:00"


@pytest.mark.parametrize(
    "at", ["2025-03-04", "2025-03-04T00:00:00+00:00", datetime(2025, 3, 4, tzinfo=UTC)]
)
def test_date__text_or_moment__is_the_same_day(at):
    assert formats.date(at) == "4 Mar 2025"
    assert formats.day_month(at) == "4 Mar"


def test_counted__one_and_many__agree_in_number():
    assert formats.counted(1, "learner") == "1 learner"
    assert formats.counted(12500, "learner") == "12,500 learners"
    assert formats.counted(0, "reply", "replies") == "0 replies"


def test_joined__items__read_as_a_list():
    assert formats.joined([]) == ""
    assert formats.joined(["a"]) == "a"
    assert formats.joined(["a", "b", "c"]) == "a, b and c"


def test_p_value__tiny__has_no_false_precision():
    assert formats.p_value(1e-9) == "under 0.001"
    assert formats.p_value(0.0314) == "0.031"


def test_heading__key__reads_as_words():
    assert formats.heading("repeat_rate") == "Repeat rate"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (-1200, "−1,200"), (0.5, "0.5"), ("x", "x")],
)
def test_plain__any_cell__is_text(value, text):
    assert formats.plain(value) == text
