"""A local decision by our engine and by the SDKs of the other products, in one run.

MOMENTUM_BENCH_PEERS names a folder to keep the virtual environment in; else it is made anew.
"""

import json
import os
import subprocess
import tempfile
import venv
from pathlib import Path

from benchmarks._decisions import CONTENDERS

ROOT = Path(__file__).parents[1]
SIZES = {1: 10_000, 100: 2_000}
"""How many decisions are timed, by how many flags there are."""

LONGEST_S = 240


def run() -> None:
    with tempfile.TemporaryDirectory() as made:
        python = _environment(Path(os.environ.get("MOMENTUM_BENCH_PEERS", made)))
        for n_flags, n in SIZES.items():
            _compare(python, n_flags, n)


def _environment(folder: Path) -> Path:
    """The interpreter of a virtual environment with whichever peers can be installed."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        for name in list(CONTENDERS)[1:]:
            command = [python, "-m", "pip", "install", "--quiet", name]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LONGEST_S, check=False
            )
            if done.returncode:
                print(f"  {name} cannot be installed: {done.stderr.strip()[-120:]}")
    return python


def _compare(python: Path, n_flags: int, n: int) -> None:
    print(f"  {n_flags} flag{'s' * (n_flags > 1)}, a new learner for each of {n:,} decisions:")
    ours = float("nan")
    for name in CONTENDERS:
        answer = _ask(python, name, n_flags, n)
        if "ns" not in answer:
            print(f"    {name:24} not measured: {answer['problem'][:90]}")
            continue
        ours = answer["ns"] if name == "momentum" else ours
        print(f"    {name:24} {answer['ns']:9,.0f} ns  {answer['ns'] / ours:6.2f} x ours")


def _ask(python: Path, name: str, n_flags: int, n: int) -> dict:
    script = Path(__file__).with_name("_decisions.py")
    done = subprocess.run(
        [python, script, name, str(n_flags), str(n)],
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"},
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {"problem": done.stderr[-200:] or "no answer"}
