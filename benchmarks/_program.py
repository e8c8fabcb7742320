"""A learning program of any size, straight as lake files: the same rows each time it is made.

A day is made, sorted and written at a time, as compaction leaves it, so that memory does not grow.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from deltalake import write_deltalake

from analysis.lake.schema import DAY, TABLES
from analysis.lake.tables import open_or_create, writer_properties
from analysis.lake.writer import append

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 180
PER_LEARNER = 200  # events of a learner in all days, on average
EXPOSED_FROM, EXPOSED_DAYS = 30, 110
SHARES = {  # kind -> weight
    "session_started": 34, "content_viewed": 22, "course_progressed": 14, "challenge_completed": 11,
    "peer_reaction": 5, "reward_claimed": 4, "message_opened": 4, "sale": 3, "peer_post": 2,
    "recognition_given": 1,
}  # fmt: skip
N_PROCESSES = 4  # of the LMS, each with an SDK
_FIRST_NUMBER = 0x100000  # six digits, up to the sixteen millionth event of a process and day
_KINDS = pa.array(list(SHARES))
_DAY_MS = 86_400_000

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Program:
    """How large it is.

    ``numbered``: events have ids as the SDKs make them; else random UUIDs, which pack worst.
    """

    n_events: int
    numbered: bool = True

    @property
    def n_learners(self) -> int:
        """So many that each has as many events as in a larger program."""
        return self.n_events // PER_LEARNER


def write_program(root: Path, program: Program, days: int = DAYS) -> None:
    """The program's lake: events of its days, an experiment, descriptions of all learners."""
    rng = np.random.default_rng(program.n_events)
    learners = pa.array(sorted(_hex(rng, program.n_learners, 32).to_pylist()))
    propensity = rng.gamma(1.5, 1.0, program.n_learners).cumsum()
    table = open_or_create(root, "events")
    for number in range(days):
        rows = day_of_events(rng, program, learners, propensity / propensity[-1], number)
        # Sorted already, so the writer's own sorting would only cost time.
        write_deltalake(
            table, rows, mode="append", writer_properties=writer_properties(rows.schema)
        )
        table.update_incremental()
    append(root, "exposures", _exposures(rng, learners), "made", 0)
    append(root, "learners", _descriptions(rng, learners), "made", 0)


def day_of_events(
    rng: np.random.Generator,
    program: Program,
    learners: pa.Array,
    cumulated: npt.NDArray[np.float64],
    number: int,
) -> pa.Table:
    """One day's events, sorted by learner and time."""
    n = program.n_events // DAYS
    who = np.minimum(np.searchsorted(cumulated, rng.random(n)), len(learners) - 1)
    at = rng.integers(0, _DAY_MS, n)
    order = np.lexsort((at, who))
    who, at = who[order], (at[order] + _ms(START) + number * _DAY_MS) * 1000
    weights = np.array(list(SHARES.values()), dtype=float)
    kind = rng.choice(len(weights), n, p=weights / weights.sum())
    names = np.array(list(SHARES))[kind]
    sold = np.round(rng.gamma(4.0, 25.0, n), 2)
    in_course = np.isin(names, ("course_progressed", "content_viewed"))
    acted = np.isin(names, ("challenge_completed", "reward_claimed"))
    which = rng.integers(0, 60, n)
    columns = {
        "event_id": _numbered(rng, at) if program.numbered else _uuids(rng, n),
        "learner": learners.take(pa.array(who)),
        "kind": _KINDS.take(pa.array(kind)),
        "occurred_at": _times(at),
        "received_at": _times(at + rng.integers(0, 90_000, n) * 1000),
        "value": pa.array(np.where(names == "sale", sold, np.nan), from_pandas=True),
        "activity": _named("activity-{}", which, acted),
        "topic": _named("topic-{}", which % 7, acted | in_course),
        "course": _named("course-{}", which % 12, in_course),
        "step": pa.array(which % 9 + 1, pa.int32(), mask=~in_course),
        "properties": _named('{{"activity":"activity-{}"}}', which, acted),
        DAY: pa.array([START.date() + timedelta(days=number)] * 1).take(
            pa.array(np.zeros(n, dtype=np.int64))
        ),
    }
    return pa.table(columns, schema=TABLES["events"])


def _exposures(rng: np.random.Generator, learners: pa.Array) -> pa.Table:
    n = len(learners)
    at = _ms(START) + EXPOSED_FROM * _DAY_MS + rng.integers(0, EXPOSED_DAYS * _DAY_MS, n)
    role = rng.integers(0, 6, n)
    return pa.table(
        {
            "event_id": _uuids(rng, n),
            "experiment": pa.array(["bonus"]).take(pa.array(np.zeros(n, dtype=np.int64))),
            "variant": pa.array(["control", "double"]).take(pa.array(rng.integers(0, 2, n))),
            "unit_kind": pa.array(["learner"]).take(pa.array(np.zeros(n, dtype=np.int64))),
            "unit": learners,
            "learner": learners,
            "exposed_at": _times(at * 1000),
            "received_at": _times(at * 1000),
            "role": _named("role-{}", role, role >= 0),
            "region": _named("region-{}", role % 4, role >= 0),
        }
    )


def _descriptions(rng: np.random.Generator, learners: pa.Array) -> pa.Table:
    n = len(learners)
    started = [date(2024, 1, 1) + timedelta(days=days) for days in range(730)]
    at = np.full(n, _ms(START) * 1000)
    return pa.table(
        {
            "event_id": _uuids(rng, n),
            "learner": learners,
            "described_at": _times(at),
            "received_at": _times(at),
            "started_on": pa.array(started).take(pa.array(rng.integers(0, 730, n))),
        }
    )


def _ms(at: datetime) -> int:
    return int(at.timestamp()) * 1000


def _times(at_us: Ints) -> pa.Array:
    return pa.array(at_us, pa.timestamp("us", tz="UTC"))


def _named(pattern: str, number: Ints, where: npt.NDArray[np.bool_]) -> pa.Array:
    names = pa.array([pattern.format(each) for each in range(int(number.max(initial=0)) + 1)])
    return names.take(pa.array(number, mask=~where))


def _hex(rng: np.random.Generator, n: int, length: int) -> pa.Array:
    return _strings(np.frombuffer(rng.bytes(n * length // 2).hex().encode(), np.uint8), n, length)


def _numbered(rng: np.random.Generator, at: Ints) -> pa.Array:
    """A day's ids as SDKs make them: 20 digits of the process, and its next number."""
    n, process = len(at), rng.integers(0, N_PROCESSES, len(at))
    number, in_time = np.empty(n, np.int64), np.argsort(at)
    for each in range(N_PROCESSES):
        its = in_time[process[in_time] == each]
        number[its] = _FIRST_NUMBER + np.arange(len(its))
    ids = np.full((n, 27), ord("-"), np.uint8)
    ids[:, :20] = _digits(rng.bytes(10 * N_PROCESSES), 20)[process]
    ids[:, 21:] = _digits(number.astype(">u4").tobytes(), 8)[:, 2:]
    return _strings(ids.ravel(), n, 27)


def _digits(content: bytes, length: int) -> npt.NDArray[np.uint8]:
    return np.frombuffer(content.hex().encode(), np.uint8).reshape(-1, length)


def _uuids(rng: np.random.Generator, n: int) -> pa.Array:
    plain = _digits(rng.bytes(n * 16), 32)
    dashed = np.full((n, 36), ord("-"), np.uint8)
    for begin, end, by in ((0, 8, 0), (8, 12, 1), (12, 16, 2), (16, 20, 3), (20, 32, 4)):
        dashed[:, begin + by : end + by] = plain[:, begin:end]
    return _strings(dashed.ravel(), n, 36)


def _strings(content: npt.NDArray[np.uint8], n: int, length: int) -> pa.Array:
    ends = np.arange(0, (n + 1) * length, length, dtype=np.int32)
    return pa.StringArray.from_buffers(n, pa.py_buffer(ends), pa.py_buffer(content.tobytes()))
