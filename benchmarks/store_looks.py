"""Looks over a lake that grows: from roll-ups, from history, and a bare group-by over its files.

``python -m benchmarks store_looks [--events=1e6,1e7,1e8] [--plot]``. Each figure comes from a
process of its own, so that peak memory is that work's alone; DuckDB may have 3 GB.

They are held against bare group-bys by learner over the files of the same days: of a plan's own
tallies, as if all days were one window of everybody's (what a readout asks of each learner, without
an experiment and without the time before exposure); of a count, a sum and a union of day bits; and
of a count alone. Ids of events are as the SDKs make them; what random UUIDs would take is said
beside.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks._program import DAYS, EXPOSED_FROM, START, Program, write_program

EVENTS = (1_000_000,)
MEMORY = "3GB"
WINDOW_DAYS = 28
PLOT = Path(__file__).parent.parent / "docs" / "images" / "rollups.svg"


def plan_of(until_day: float = DAYS - 1) -> Any:
    """An experiment with three metrics: the score, a sum, and a retention as guardrail."""
    from analysis.plan import AnalysisPlan, MetricPlan

    metrics = (
        MetricPlan("energize", "Energize Score", "score", "primary", minimum_effect=1.0),
        MetricPlan("sales", "Sales", "sum", event_kinds=("sale",)),
        MetricPlan("there", "Still there", "retention", "guardrail", margin=0.02),
    )
    return AnalysisPlan(
        experiment="bonus",
        title="Double bonus",
        domain="incentive",
        unit_kind="learner",
        variants=("control", "double"),
        weights=(0.5, 0.5),
        metrics=tuple(replace(metric, window_days=WINDOW_DAYS) for metric in metrics),
        started_at=START + timedelta(days=EXPOSED_FROM),
        as_of=START + timedelta(days=until_day, hours=9),
        final=True,
        score_version="made",
    )


def norms() -> Any:
    from analysis.energize.norms import Norms, existing_weights

    scale = {"active_days": 9.0, "challenges": 4.0, "course_units": 5.0, "claims": 2.0}
    scale["peer_actions"] = 3.0
    return Norms(
        version="made",
        window_days=WINDOW_DAYS,
        half_saturation=scale,
        weights=existing_weights(scale),
        calibrated_from=START.isoformat(),
        calibrated_to=(START + timedelta(days=EXPOSED_FROM)).isoformat(),
    )


# --- the contenders, each in a process of its own


def look(root: str, collect: Any = None) -> dict[str, Any]:
    """Open the lake, read the roll-up, decide: what a scheduled look does after sealing."""
    from analysis import rollups
    from analysis.lake.reader import Lake
    from analysis.read import run_readout

    readout = run_readout(plan_of(), Lake.open(root), norms(), collect or rollups.collect)
    return {"n_mature": sum(readout.n_mature.values()), "verdict": str(readout.decision.verdict)}


def history(root: str) -> dict[str, Any]:
    """The same look from the events themselves."""
    from analysis.collect import collect

    return look(root, collect)


def rebuild(root: str) -> dict[str, Any]:
    """A roll-up from all of history, put in its place."""
    from analysis import rollups
    from analysis.lake.reader import Lake

    rollup = rollups.rebuild(plan_of(), Lake.open(root)).rollup
    return {"n_learners": 0 if rollup is None else len(rollup.met)}


def bare(root: str) -> dict[str, Any]:
    """A count, a sum and a union of day bits by learner, over the same days of the same files."""
    aggregates = (
        "count(*), sum(value), "
        "bit_or(1::BIGINT << ((epoch_us(occurred_at) // 86400000000) % 56)::INT)"
    )
    return _bare(root, aggregates)


def bare_tallies(root: str) -> dict[str, Any]:
    """What the plan asks of a learner, over all days as if they were one window."""
    bit = "1::BIGINT << ((epoch_us(occurred_at) // 86400000000) % 56)::INT"
    units = "CASE WHEN kind = 'course_completed' THEN 1 ELSE greatest(coalesce(value, 1), 0) END"
    weights = (
        "CASE kind WHEN 'peer_post' THEN 2 WHEN 'peer_comment' THEN 1 WHEN 'peer_reaction' THEN 0.5"
        " WHEN 'recognition_given' THEN 1.5 ELSE 0 END"
    )
    present = "kind NOT IN ('reward_offered', 'message_sent', 'sale', 'quota_attainment')"
    aggregates = (
        f"bit_or({bit}) FILTER ({present}), bit_or({bit}) FILTER (kind = 'reward_claimed'), "
        "count(*) FILTER (kind = 'challenge_completed'), "
        "count(*) FILTER (kind = 'reward_claimed'), "
        f"sum({units}) FILTER (kind IN ('course_progressed', 'course_completed')), "
        f"sum({weights}), sum(value) FILTER (kind = 'sale')"
    )
    return _bare(root, aggregates)


def bare_count(root: str) -> dict[str, Any]:
    """A count by learner, and nothing else."""
    return _bare(root, "count(*)")


def _bare(root: str, aggregates: str) -> dict[str, Any]:
    import duckdb

    from analysis.lake.reader import Lake

    first = (START + timedelta(days=EXPOSED_FROM - WINDOW_DAYS)).date()
    files = [path for path in Lake.open(root).files["events"] if _day_of(path) >= str(first)]
    session = duckdb.connect(config={"memory_limit": MEMORY})
    session.execute("SET TimeZone = 'UTC'")
    by_learner = f"SELECT learner, {aggregates} FROM read_parquet(?) GROUP BY learner"
    session.execute(f"CREATE TEMP TABLE found AS {by_learner}", [files])
    rows = session.execute("SELECT count(*) FROM found").fetchall()
    return {"n_learners": rows[0][0]}


def _day_of(path: str) -> str:
    return path.rpartition("/day=")[2].partition("/")[0]


CONTENDERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "bare_tallies": bare_tallies,
    "bare": bare,
    "bare_count": bare_count,
    "rebuild": rebuild,
    "look": look,
    "look_after_a_day": look,
    "history": history,
}
TITLES = {
    "bare_tallies": "bare tallies by learner",
    "bare": "bare count, sum, bits",
    "bare_count": "bare count",
    "rebuild": "rebuild of the roll-up",
    "look": "look, fresh roll-up",
    "look_after_a_day": "look, a day behind",
    "history": "look from history",
}
MAKE = "make"
BASES = {"bare_tallies": "tallies", "bare": "count, sum, bits", "bare_count": "count"}
PLOTTED = ("history", "rebuild", "bare_tallies", "look_after_a_day", "look")


def _child(name: str, root: str, n_events: str = "0") -> None:
    """Do one contender's work and print what it took; imports and the first query are not in it."""
    import ibis

    ibis.duckdb.connect = partial(ibis.duckdb.connect, memory_limit=MEMORY)
    if name == MAKE:
        work = partial(_make, root, int(n_events))
    else:
        warm_up()
        work = partial(CONTENDERS[name], root)
    begin, cpu = time.perf_counter(), time.process_time()
    found = work()
    took = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu}
    print(json.dumps({**took, "peak_gb": _peak_gb(), **found}))


def _peak_gb() -> float:
    """This process's peak memory; getrusage would tell that of the process that started it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024**2
    raise OSError("/proc/self/status does not tell VmHWM")


def _make(root: str, n_events: int) -> dict[str, Any]:
    write_program(Path(root), Program(n_events))
    return {}


def warm_up() -> None:
    """What a server has done before its first look: load libraries."""
    import scipy.stats  # noqa: F401

    import analysis.read
    import analysis.rollups  # noqa: F401

    with tempfile.TemporaryDirectory() as empty:
        look(empty)


def _measure(name: str, root: Path, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.store_looks", "--child", name, str(root), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- the whole


def run() -> None:
    wanted = [arg.partition("=")[2] for arg in sys.argv if arg.startswith("--events=")]
    sizes = [int(float(each)) for each in wanted[0].split(",")] if wanted else list(EVENTS)
    rows = []
    for n_events in sizes:
        with tempfile.TemporaryDirectory(prefix="momentum-looks-") as folder:
            rows.append(_of_size(Path(folder) / "lake", Program(n_events)))
    _print_tables(rows)
    if "--plot" in sys.argv:
        plot(rows)


def _of_size(root: Path, program: Program) -> dict[str, Any]:
    n = program.n_events
    row: dict[str, Any] = {"events": n}
    made = _measure(MAKE, root, str(n))
    _say(
        f"  {n:,} events of {program.n_learners:,} learners, made in {made['seconds']:.0f} s,"
        f" peak {made['peak_gb']:.2f} GB"
    )
    _say("    beside the bare: " + "; ".join(BASES.values()))
    for name, title in TITLES.items():
        if name == "look_after_a_day":
            _say_sizes(root, n)
            _write_another_day(root, program)
        row[name] = found = _measure(name, root)
        ratios = [
            " ".join(f"x{found[unit] / row[base][unit]:.2f}" for base in BASES if base in row)
            for unit in ("seconds", "cpu")
        ]
        _say(
            f"    {title:24} {found['seconds']:7.2f} s  {ratios[0]:17} processor"
            f" {found['cpu']:7.2f} s  {ratios[1]:17} peak {found['peak_gb']:.2f} GB"
        )
    return row


def _say_sizes(root: Path, n_events: int) -> None:
    """The whole lake, part by part; and its events if their ids were random UUIDs."""
    parts = {
        "logs": _bytes_below(root, "*/_delta_log/*"),
        "roll-up": _bytes_below(root, "_rollups/**/*"),
    }
    for name in ("events", "exposures", "learners"):
        parts[name] = _bytes_below(root, f"{name}/**/*") - _bytes_below(
            root, f"{name}/_delta_log/*"
        )
    whole = sum(parts.values())
    told = ", ".join(f"{name} {size / n_events:.1f}" for name, size in parts.items())
    _say(f"    lake {whole / 1e9:.2f} GB, {whole / n_events:.1f} bytes an event: {told}")
    with tempfile.TemporaryDirectory(prefix="momentum-looks-") as folder:
        write_program(Path(folder), Program(n_events, numbered=False), days=1)
        a_day = _bytes_below(Path(folder), "events/day=*/*") / (n_events // DAYS)
    _say(f"    events with random UUIDs as ids: {a_day:.1f} bytes each")


def _bytes_below(root: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in root.glob(pattern) if path.is_file())


def _print_tables(rows: list[dict[str, Any]]) -> None:
    """The figures of docs/rollups.md."""
    sizes = " | ".join(f"{row['events']:,}" for row in rows)
    _say(f"\n  | events | {sizes} |\n  |---|{'---|' * len(rows)}")
    for name, title in TITLES.items():
        cells = [f"{row[name]['seconds']:.2f} s, {row[name]['peak_gb']:.1f} GB" for row in rows]
        _say(f"  | {title} | {' | '.join(cells)} |")
    for name in ("rebuild", "look"):
        for base, title in BASES.items():
            cells = [f"{row[name]['seconds'] / row[base]['seconds']:.2f}" for row in rows]
            _say(f"  | {TITLES[name]} / bare {title} | {' | '.join(cells)} |")


def _say(line: str) -> None:
    print(line, flush=True)


def _write_another_day(root: Path, program: Program) -> None:
    """As many events as a day has, late ones of the days that the look reads."""
    import numpy as np
    import pyarrow.compute as pc

    from analysis.lake.reader import Lake
    from analysis.lake.writer import append
    from benchmarks._program import day_of_events

    met = Lake.open(root).table("exposures").select("learner").to_pyarrow()
    learners = pc.unique(met["learner"]).sort()
    even = np.arange(1, len(learners) + 1) / len(learners)
    rows = day_of_events(np.random.default_rng(1), program, learners, even, DAYS // 2)
    append(root, "events", rows, "made", 1)


def plot(rows: list[dict[str, Any]]) -> None:
    """Seconds by events, both on a scale of tenfolds."""
    import altair as alt

    points = [
        {"events": row["events"], "seconds": row[name]["seconds"], "what": title}
        for row in rows
        for name, title in TITLES.items()
        if name in PLOTTED
    ]
    lines = alt.Chart(alt.Data(values=points)).encode(
        x=alt.X("events:Q", scale=alt.Scale(type="log"), title="events in the lake"),
        y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), title="seconds"),
        color=alt.Color("what:N", title=None, sort=[TITLES[name] for name in PLOTTED]),
    )
    chart = (lines.mark_line() + lines.mark_point(filled=True)).properties(width=480, height=280)
    chart.save(str(PLOT))


if __name__ == "__main__":
    if "--child" in sys.argv:
        _child(*sys.argv[sys.argv.index("--child") + 1 :])
    else:
        run()
