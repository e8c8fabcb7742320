"""A whole experiment's statistics from sufficient statistics: 20 metrics x 5 arms x 50 segments.

A readout is ``analysis.read.read``, what every look does: all metrics and treatments with their
levels, beliefs and checks, the decision, and who benefits over 50 segments of the primary.

Ours at once is ``analysis.batch``: CUPED, interval, Fieller, always-valid interval and posterior of
every cell. Against it: the same by our one-by-one path, and tea-tasting's CUPED mean alone (no
sequential and no Bayesian part), on a sample of cells, scaled up.

In processor time: other programs on the machine do not count.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from analysis.batch import Cells, contrasts, read_all
from analysis.contrast import Contrast, critical_t
from analysis.methods import cuped
from analysis.methods.always_valid import two_sided_z
from analysis.methods.bayes_normal import posterior
from analysis.methods.fieller import relative
from analysis.normal import Z95
from analysis.plan import AnalysisPlan, MetricPlan
from analysis.read import read
from analysis.statistics.collected import Collected
from analysis.statistics.moments import Moments
from benchmarks._measure import best_seconds

METRICS, ARMS, SEGMENTS = 20, 5, 50
COMPARISONS = METRICS * (ARMS - 1) * SEGMENTS
SAMPLE = 200
TARGET_MS = 20.0
DESIGN_SE, PRIOR_SD = 0.5, 2.0


def run() -> None:
    """Print the time of each, and the ratios."""
    cells = _cells()
    controls = Cells.of(cells[:, 0].ravel().tolist()).reshape(METRICS, 1, SEGMENTS)
    treatments = Cells.of(cells[:, 1:].ravel().tolist()).reshape(METRICS, ARMS - 1, SEGMENTS)
    pairs = [(cells[0, 0, s], cells[m, 1, s]) for m in range(METRICS) for s in range(SEGMENTS)]
    theirs = _tea_tasting(pairs[:SAMPLE])
    found = best_seconds(
        {
            "ours, at once": lambda: _at_once(controls, treatments),
            "ours, from objects": lambda: _from_objects(cells),
            "ours, one by one": lambda: [_alone(*pair) for pair in pairs[:SAMPLE]],
            "tea-tasting, CUPED mean only": theirs,
        },
        clock=time.process_time,
    )
    print(f"{COMPARISONS} comparisons ({METRICS} metrics x {ARMS} arms x {SEGMENTS} segments)")
    ours = found["ours, at once"]
    for name, seconds in found.items():
        one_by_one = not name.startswith("ours, at") and "objects" not in name
        whole = seconds * COMPARISONS / SAMPLE if one_by_one else seconds
        print(f"  {name:30} {1e3 * whole:10.1f} ms   {whole / ours:8.1f} x")
    verdict = "holds" if 1e3 * ours <= TARGET_MS else "is missed"
    print(f"  target {TARGET_MS:g} ms: {verdict}")
    _readouts(cells)


def _readouts(cells: Any) -> None:
    """A whole readout, with segments and without."""
    plan, whole, segmented = _plan(), _collected(cells, 0), _collected(cells, SEGMENTS)
    found = best_seconds(
        {
            "readout, no segments": lambda: read(plan, whole),
            f"readout, {SEGMENTS} segments of the primary": lambda: read(plan, segmented),
        },
        rounds=15,
        clock=time.process_time,
    )
    print(f"a readout of {METRICS} metrics x {ARMS} arms")
    for name, seconds in found.items():
        verdict = "holds" if 1e3 * seconds <= TARGET_MS else "is missed"
        print(f"  {name:36} {1e3 * seconds:6.1f} ms   target {TARGET_MS:g} ms {verdict}")


def _plan() -> AnalysisPlan:
    began = datetime(2026, 1, 5, tzinfo=UTC)
    metrics = tuple(
        MetricPlan(
            f"metric-{number}",
            f"Metric {number}",
            "sum",
            "secondary" if number else "primary",
            event_kinds=("sale",),
            minimum_effect=3.0,
        )
        for number in range(METRICS)
    )
    return AnalysisPlan(
        experiment="large",
        title="Large",
        domain="incentive",
        unit_kind="learner",
        variants=tuple(f"arm-{arm}" for arm in range(ARMS)),
        weights=(1 / ARMS,) * ARMS,
        metrics=metrics,
        started_at=began,
        as_of=began + timedelta(days=56),
        look=2,
        looks_planned=4,
    )


def _collected(cells: Any, n_segments: int) -> Collected:
    plan = _plan()
    n_units = dict.fromkeys(plan.variants, 60 * SEGMENTS)
    levels = {
        f"segment {segment:02}": dict(zip(plan.variants, cells[0, :, segment], strict=True))
        for segment in range(n_segments)
    }
    return Collected(
        n_exposed=n_units,
        n_mature=n_units,
        n_learners=n_units,
        n_crossed=0,
        metrics={
            metric.key: {
                variant: Moments.total(cells[number, arm].tolist())
                for arm, variant in enumerate(plan.variants)
            }
            for number, metric in enumerate(plan.metrics)
        },
        segments={plan.primary.key: {"role": levels}} if levels else {},
    )


def _cells() -> Any:
    rng = np.random.default_rng(1)
    cells = np.empty((METRICS, ARMS, SEGMENTS), dtype=object)
    for at in np.ndindex(cells.shape):
        before = rng.normal(50, 20, 60)
        after = 20 + 0.6 * before + rng.normal(0, 15, 60)
        cells[at] = Moments.of(("outcome", "covariate"), np.column_stack([after, before]))
    return cells


def _at_once(controls: Cells, treatments: Cells) -> object:
    return read_all(contrasts(controls, treatments), np.asarray(DESIGN_SE), np.asarray(PRIOR_SD))


def _from_objects(cells: Any) -> object:
    controls = Cells.of(cells[:, 0].ravel().tolist()).reshape(METRICS, 1, SEGMENTS)
    treatments = Cells.of(cells[:, 1:].ravel().tolist()).reshape(METRICS, ARMS - 1, SEGMENTS)
    return _at_once(controls, treatments)


def _alone(control: Moments, treatment: Moments) -> object:
    found = cuped.estimate(control, treatment)
    if not isinstance(found, Contrast):
        raise TypeError("every cell of the benchmark can be estimated")
    critical = critical_t(Z95, found.df)
    any_look = critical_t(two_sided_z((DESIGN_SE / found.se) ** 2), found.df)
    return (
        found.p_value,
        critical * found.se,
        any_look * found.se,
        relative(found, critical),
        posterior(found, PRIOR_SD),
    )


def _tea_tasting(pairs: list[tuple[Moments, Moments]]) -> Any:
    import tea_tasting as tt
    from tea_tasting.aggr import Aggregates

    metric = tt.Mean("outcome", "covariate")

    def told(moments: Moments) -> Aggregates:
        columns = moments.columns
        return Aggregates(
            count_=moments.n,
            mean_={name: moments.mean_of(name) for name in columns},
            var_={name: moments.variance(name) for name in columns},
            cov_={tuple(sorted(columns)): moments.covariance(*columns)},
        )

    ready = [(told(control), told(treatment)) for control, treatment in pairs]
    return lambda: [metric.analyze_aggregates(*pair) for pair in ready]


if __name__ == "__main__":
    run()
