from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from analysis.kinds import is_known
from examples.oulad_log import KIND_OF_SITE, UNKNOWN_SITE, BadLogError, open_log
from tests.examples.oulad_sample import write_sample

TODAY = date(2026, 5, 10)


def test_site_kinds__every_row__is_a_kind_that_momentum_knows():
    assert all(is_known(kind) for kind in (*KIND_OF_SITE.values(), UNKNOWN_SITE))


def test_open_log__last_logged_day__is_yesterday(tmp_path):
    log = open_log(write_sample(tmp_path), TODAY)

    latest = max(entry.at for entry in log.entries())

    assert latest.date() == TODAY - timedelta(days=1)
    assert log.midnight(log.last_day + 1) == datetime(2026, 5, 10, tzinfo=UTC)


def test_open_log__thirteen_days__leaves_a_week_for_the_window(tmp_path):
    log = open_log(write_sample(tmp_path), TODAY)

    assert (log.first_day, log.last_day) == (-10, 2)
    assert (log.window_days, log.start_day) == (7, -4)


def test_entries__unknown_site__counts_as_presence_only(tmp_path):
    log = open_log(write_sample(tmp_path), TODAY)

    kinds = Counter((entry.properties["topic"], entry.kind) for entry in log.entries())

    assert kinds["odd", UNKNOWN_SITE] > 0
    assert kinds["forumng", "peer_comment"] > 0
    assert {kind for site, kind in kinds if site == "quiz"} == {"challenge_completed"}


def test_entries__clicks__become_units_of_course_progress(tmp_path):
    log = open_log(write_sample(tmp_path), TODAY)

    for entry in log.entries():
        expected = float(entry.properties["clicks"]) if entry.kind == "course_progressed" else None
        assert entry.value == expected


def test_enrolled__unregistered_before__is_left_out(tmp_path):
    folder = write_sample(tmp_path, n_students=3)
    path = folder / "studentRegistration.csv"
    header, first, second, third = path.read_text().splitlines()
    path.write_text("\n".join([header, first + "-30", second + "40", third]) + "\n")

    log = open_log(folder, TODAY)

    assert len(log.enrolled(log.start_day)) == 2


@pytest.mark.parametrize("name", ["studentVle.csv", "vle.csv", "studentInfo.csv"])
def test_open_log__file_missing__names_it(tmp_path, name):
    (write_sample(tmp_path) / name).unlink()

    with pytest.raises(BadLogError, match=f"{name}: no such file; give a folder with"):
        open_log(tmp_path, TODAY)


def test_open_log__column_missing__names_it_and_what_is_there(tmp_path):
    (write_sample(tmp_path) / "vle.csv").write_text("id_site,kind\n1,quiz\n")

    with pytest.raises(BadLogError, match="lacks the column 'activity_type'; it has id_site, kind"):
        open_log(tmp_path, TODAY)


def test_open_log__text_in_a_number_column__names_the_line(tmp_path):
    path = write_sample(tmp_path) / "studentVle.csv"
    path.write_text(path.read_text() + "AAA,2013J,1001,1,soon,4\n")

    with pytest.raises(BadLogError, match=r"line \d+: date is 'soon'; a whole number is right"):
        open_log(tmp_path, TODAY)


def test_open_log__no_rows__says_so(tmp_path):
    path = write_sample(tmp_path) / "studentVle.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")

    with pytest.raises(BadLogError, match="holds no row"):
        open_log(tmp_path, TODAY)
