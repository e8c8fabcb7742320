"""The Open University's learning log (OULAD), read into what Momentum takes.

Kuzilek, Hlosta, Zdrahal (2017), Scientific Data 4:170171; CC BY 4.0. Days count from the module's
start; the log knows days and clicks, not times of day and not what was written in a forum.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

# Which kind of event each type of site stands for: the one table of this mapping.
KIND_OF_SITE: Final = {
    "homepage": "session_started",
    "subpage": "session_started",
    "sharedsubpage": "session_started",
    "oucontent": "course_progressed",  # the module's own structured material; value: clicks
    "resource": "content_viewed",
    "url": "content_viewed",
    "page": "content_viewed",
    "htmlactivity": "content_viewed",
    "dualpane": "content_viewed",
    "folder": "content_viewed",
    "glossary": "content_viewed",
    "dataplus": "content_viewed",
    "questionnaire": "content_viewed",
    "quiz": "challenge_completed",
    "externalquiz": "challenge_completed",
    "repeatactivity": "challenge_completed",
    "forumng": "peer_comment",  # reading and writing look alike in clicks
    "ouwiki": "peer_post",
    "oucollaborate": "peer_comment",
    "ouelluminate": "peer_comment",
}
UNKNOWN_SITE: Final = "custom:oulad_other"  # counts as presence and nothing else

# Whether the module was passed, as a share of what was asked.
SHARE_OF_RESULT: Final = {"Distinction": 1.0, "Pass": 1.0, "Fail": 0.0, "Withdrawn": 0.0}

FILES: Final = {
    "studentVle.csv": (
        "code_module",
        "code_presentation",
        "id_student",
        "id_site",
        "date",
        "sum_click",
    ),
    "vle.csv": ("id_site", "activity_type"),
    "studentInfo.csv": ("code_module", "code_presentation", "id_student", "region", "final_result"),
    "studentRegistration.csv": (
        "code_module",
        "code_presentation",
        "id_student",
        "date_registration",
        "date_unregistration",
    ),
}
FIRST_SECOND: Final = 8 * 3600
STEP_S: Final = 30  # between two entries of a learner's day; the log gives no times


class BadLogError(ValueError):
    """The folder is not an OULAD log; one line says what is missing and what would be right."""


@dataclass(frozen=True)
class LogEntry:
    """One row of the log, as Momentum's event."""

    kind: str
    learner: str
    at: datetime
    value: float | None
    properties: dict[str, str | int]


@dataclass(frozen=True)
class Student:
    """One registration, which is one learner: a person may take several modules."""

    learner: str
    module: str
    region: str
    registered_day: int
    unregistered_day: int | None
    result_share: float | None


@dataclass(frozen=True)
class OuladLog:
    """A log and its calendar: the last logged day is the day before ``today``."""

    folder: Path
    students: tuple[Student, ...]  # of the module presentations that the log covers
    first_day: int
    last_day: int
    today: date

    @property
    def window_days(self) -> int:
        """The experiment's window: the later half of the log, four weeks at most."""
        return max(1, min(28, (self.last_day - self.first_day + 2) // 2))

    @property
    def start_day(self) -> int:
        """The day on which the experiment begins, so that its window ends with the log."""
        return self.last_day - self.window_days + 1

    def midnight(self, day: int) -> datetime:
        """When a day of the log begins, on our calendar."""
        shifted = self.today + timedelta(days=day - self.last_day - 1)
        return datetime.combine(shifted, time(), tzinfo=UTC)

    def enrolled(self, day: int) -> list[Student]:
        """Who was registered when a day began."""
        return [
            student
            for student in self.students
            if student.registered_day < day
            and (student.unregistered_day is None or student.unregistered_day >= day)
        ]

    def entries(self) -> Iterator[LogEntry]:
        """The log's rows, in its own order."""
        sites = {row["id_site"]: row["activity_type"] for row in _rows(self.folder, "vle.csv")}
        n_seen: defaultdict[tuple[str, int], int] = defaultdict(int)
        for row in _rows(self.folder, "studentVle.csv"):
            learner, day, clicks = _learner(row), int(row["date"]), int(row["sum_click"])
            n_seen[learner, day] += 1
            second = FIRST_SECOND + STEP_S * min(n_seen[learner, day], 1_900)
            site = sites.get(row["id_site"], "unknown")
            kind = KIND_OF_SITE.get(site, UNKNOWN_SITE)
            yield LogEntry(
                kind=kind,
                learner=learner,
                at=self.midnight(day) + timedelta(seconds=second),
                value=float(clicks) if kind == "course_progressed" else None,
                properties={
                    "activity": f"{site}-{row['id_site']}",
                    "topic": site,
                    "course": _module(row),
                    "clicks": clicks,
                },
            )


def open_log(folder: Path, today: date) -> OuladLog:
    """The log in a folder, its tables checked.

    Raises:
        BadLogError: a file or a column is missing, a number is not one, or the log is empty.
    """
    for name, columns in FILES.items():
        _check_columns(folder, name, columns)
    days, modules = set(), set()
    for line, row in enumerate(_rows(folder, "studentVle.csv"), start=2):
        for column in ("date", "sum_click"):
            if not _is_integer(row[column]):
                raise BadLogError(
                    f"{folder / 'studentVle.csv'} line {line}: {column} is {row[column]!r}; "
                    "a whole number is right, for example -10"
                )
        days.add(int(row["date"]))
        modules.add(_module(row))
    if not days:
        raise BadLogError(
            f"{folder / 'studentVle.csv'}: holds no row; give a log with interactions"
        )
    students = _read_students(folder, modules)
    return OuladLog(folder, students, min(days), max(days), today)


def _read_students(folder: Path, modules: set[str]) -> tuple[Student, ...]:
    registrations = {
        _learner(row): row
        for row in _rows(folder, "studentRegistration.csv")
        if _module(row) in modules
    }
    return tuple(
        Student(
            learner=_learner(row),
            module=_module(row),
            region=row["region"],
            registered_day=_day(registrations.get(_learner(row), {}).get("date_registration")) or 0,
            unregistered_day=_day(registrations.get(_learner(row), {}).get("date_unregistration")),
            result_share=SHARE_OF_RESULT.get(row["final_result"]),
        )
        for row in _rows(folder, "studentInfo.csv")
        if _module(row) in modules
    )


def _check_columns(folder: Path, name: str, columns: tuple[str, ...]) -> None:
    path = folder / name
    if not path.is_file():
        raise BadLogError(f"{path}: no such file; give a folder with {', '.join(FILES)}")
    with path.open(newline="", encoding="utf-8") as file:
        found = next(csv.reader(file), [])
    missing = [column for column in columns if column not in found]
    if missing:
        raise BadLogError(
            f"{path}: lacks the column {missing[0]!r}; it has {', '.join(found) or 'none'}"
        )


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with (folder / name).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _module(row: dict[str, str]) -> str:
    return f"{row['code_module']}-{row['code_presentation']}"


def _learner(row: dict[str, str]) -> str:
    return f"{_module(row)}-{row['id_student']}"


def _day(text: str | None) -> int | None:
    return int(text) if text and _is_integer(text) else None


def _is_integer(text: str | None) -> bool:
    return text is not None and text.strip().removeprefix("-").isdigit()
