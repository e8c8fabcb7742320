"""A tiny learning log in OULAD's columns: invented, so that the replay is tested everywhere."""

import csv
import random
from pathlib import Path

SITES = {
    "1": "homepage",
    "2": "oucontent",
    "3": "forumng",
    "4": "quiz",
    "5": "resource",
    "6": "odd",
}
REGIONS = ("Scotland", "Wales")
RESULTS = ("Pass", "Fail", "Distinction", "Withdrawn")


def write_sample(folder: Path, n_students: int = 80, days: range = range(-10, 3)) -> Path:
    """A log of some days; the same call writes the same bytes."""
    rng = random.Random(11)
    module = ("AAA", "2013J")
    students = [str(1_000 + number) for number in range(n_students)]
    _write(
        folder / "vle.csv",
        ("id_site", "code_module", "code_presentation", "activity_type", "week_from", "week_to"),
        [(site, *module, kind, "", "") for site, kind in SITES.items()],
    )
    _write(
        folder / "studentInfo.csv",
        ("code_module", "code_presentation", "id_student", "region", "final_result"),
        [(*module, who, rng.choice(REGIONS), rng.choice(RESULTS)) for who in students],
    )
    _write(
        folder / "studentRegistration.csv",
        (
            "code_module",
            "code_presentation",
            "id_student",
            "date_registration",
            "date_unregistration",
        ),
        [(*module, who, rng.randint(-90, -20), "") for who in students],
    )
    keenness = {who: rng.random() for who in students}
    rows = [
        (*module, who, rng.choice(list(SITES)), day, rng.randint(1, 9))
        for day in days
        for who in students
        for _ in range(3)
        if rng.random() < keenness[who]
    ]
    _write(
        folder / "studentVle.csv",
        ("code_module", "code_presentation", "id_student", "id_site", "date", "sum_click"),
        rows,
    )
    return folder


def _write(path: Path, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
