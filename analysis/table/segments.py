"""Effects by segment from a finished table: Welch in each cell, then partial pooling over cells."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from analysis.bayes.pooling import Pooling, pool, pool_by_sampling
from analysis.bayes.segments import Scales
from analysis.contrast import Contrast
from analysis.engines.duckdb import open_session
from analysis.methods.bayes_normal import segments_of
from analysis.methods.welch import estimate
from analysis.results import NotEstimable
from analysis.statistics.collected import OUTCOME
from analysis.statistics.gather import gather_moments
from analysis.statistics.moments import Moments

from .read import File, engine_errors_as_ours, open_file
from .request import TableError

EFFECT_PER_SPREAD = 0.5
"""The common effect's prior sd, in the control's standard deviations."""

_KEY = "k"


@dataclass(frozen=True)
class SegmentRequest:
    """Which columns mean what."""

    variant: str
    control: str  # a value of the variant column
    treatment: str  # another
    outcome: str
    by: tuple[str, ...]  # one or two columns whose values form the segments
    sign: int = 1  # -1 when less is better
    sampling: bool = False  # by NUTS instead of the grid

    @property
    def seed(self) -> int:
        """The same request on the same file gives the same digits."""
        return int.from_bytes(sha256(repr(self).encode()).digest()[:4])


@dataclass(frozen=True, eq=False)
class SegmentedEffects:
    """Each segment's effect before and after pooling, and the segments that had none."""

    raw: dict[str, Contrast]
    pooling: Pooling
    left_out: dict[str, str]  # segment -> why


def pool_table(path: Path, request: SegmentRequest) -> SegmentedEffects:
    """Effects by segment, from one row a unit.

    Raises:
        TableError: the message says which column or value, and what would be right.
    """
    with engine_errors_as_ours(path):
        cells = _cells(open_file(open_session(), path), path, request)
    arms = {variant for variant, *_ in cells}
    for wanted in (request.control, request.treatment):
        if wanted not in arms:
            raise TableError(
                f"{path}: column {request.variant!r} has no {wanted!r};"
                f" it has {', '.join(sorted(map(str, arms)))}"
            )
    raw, levels, left_out = _compare(cells, request)
    if len(raw) < 2:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
        raise TableError(
            f"{path}: {len(raw)} segments have an estimate and two are needed ({reasons or 'none'})"
        )
    run = pool_by_sampling if request.sampling else pool
    pooling = run(
        segments_of(raw, levels), _scales(cells, request), seed=request.seed, sign=request.sign
    )
    return SegmentedEffects(raw, pooling, left_out)


def _cells(file: File, path: Path, request: SegmentRequest) -> dict[tuple[Any, ...], Moments]:
    for name in (request.variant, request.outcome, *request.by):
        if name not in file.names:
            raise TableError(f"{path}: no column {name!r}; it has {', '.join(file.names)}")
    keys = {
        f"{_KEY}{i}": file.column(name) for i, name in enumerate((request.variant, *request.by))
    }
    text = file.column(request.outcome)
    rows = file.table.select(**keys, text=text.cast("string"), outcome=text.try_cast("float64"))
    rows = rows.filter(rows.text.notnull(), rows.text != "")
    bad = rows.filter(rows.outcome.isnull() | rows.outcome.isinf() | rows.outcome.isnan())
    found = bad.limit(1).to_pyarrow().to_pylist()
    if found:
        raise TableError(f"{path}: {request.outcome} has {found[0]['text']!r}, expected a number")
    return gather_moments(rows, list(keys), [OUTCOME])


def _compare(
    cells: dict[tuple[Any, ...], Moments], request: SegmentRequest
) -> tuple[dict[str, Contrast], dict[str, tuple[str, ...]], dict[str, str]]:
    raw, left_out = {}, {}
    levels: list[tuple[str, ...]] = []
    nobody = Moments.empty((OUTCOME,))
    for segment in sorted({key[1:] for key in cells}, key=str):
        name = ", ".join(map(str, segment))
        found = estimate(
            cells.get((request.control, *segment), nobody),
            cells.get((request.treatment, *segment), nobody),
        )
        if isinstance(found, NotEstimable):
            left_out[name] = found.reason
        else:
            raw[name] = found
            levels.append(tuple(map(str, segment)))
    if len(request.by) == 1:
        return raw, {}, left_out
    by_factor = zip(*levels, strict=True) if levels else iter(((),) * len(request.by))
    return raw, dict(zip(request.by, by_factor, strict=True)), left_out


def _scales(cells: dict[tuple[Any, ...], Moments], request: SegmentRequest) -> Scales:
    controls = [each for key, each in cells.items() if key[0] == request.control]
    whole = sum(controls, Moments.empty((OUTCOME,)))
    effect_sd = EFFECT_PER_SPREAD * whole.variance(OUTCOME) ** 0.5
    return Scales.around(effect_sd)
