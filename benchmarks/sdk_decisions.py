"""A local decision by our engine, plain and compiled, and by the SDKs of others, in one run.

MOMENTUM_BENCH_PEERS names a folder to keep the virtual environment in; else it is made anew.
"""

import json
import os
import resource
import subprocess
import tempfile
import venv
from pathlib import Path

from benchmarks._decisions import CONTENDERS, QUEUED
from benchmarks._measure import best_seconds

ROOT = Path(__file__).parents[1]
SDK = ROOT / "sdk" / "python"
SIZES = {1: 10_000, 100: 2_000}
"""How many decisions are timed, by how many flags there are."""

N_PASSES = 3
N_IMPORTS = 15
LONGEST_S = 600


def run() -> None:
    with tempfile.TemporaryDirectory() as made:
        python = _environment(Path(os.environ.get("MOMENTUM_BENCH_PEERS", made)))
        for n_flags, n in SIZES.items():
            print(f"  {n_flags} flag{'s' * (n_flags > 1)}, a new learner for each of {n:,}:")
            _compare(python, list(CONTENDERS), [str(n_flags), str(n)])
        print("  100 flags, and each exposure queued:")
        _compare(python, list(QUEUED), ["100", "10000", "queued"])
        _import(python)


def _environment(folder: Path) -> Path:
    """The interpreter of an environment with our SDK and whichever peers can be installed."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        for name in [name for name in CONTENDERS if not name.startswith("momentum")]:
            _install(python, name)
    _install(python, "--force-reinstall", "--no-deps", str(SDK))
    return python


def _install(python: Path, *what: str) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    if done.returncode:
        print(f"  {what[-1]} cannot be installed: {done.stderr.strip()[-120:]}")


def _compare(python: Path, names: list[str], work: list[str]) -> None:
    answers: dict[str, dict] = {}
    for name in names * N_PASSES:  # in turn, so that a busy moment hits no SDK alone
        answer = _ask(python, name, work)
        if answer.get("ns", 0) <= answers.get(name, {}).get("ns", float("inf")):
            answers[name] = answer
    ours = [answers[name].get("ns", float("nan")) for name in ("momentum", "momentum, compiled")]
    for name, answer in answers.items():
        if "ns" not in answer:
            print(f"    {name:24} not measured: {answer['problem'][:90]}")
            continue
        plain, compiled = (answer["ns"] / one for one in ours)
        print(
            f"    {name:24} {answer['ns']:9,.0f} ns {plain:6.2f} x plain {compiled:6.2f} x compiled"
        )


def _ask(python: Path, name: str, work: list[str]) -> dict:
    script = Path(__file__).with_name("_decisions.py")
    engine = {"MOMENTUM_ENGINE": "plain"} if name == "momentum" else {}
    done = subprocess.run(
        [python, script, name, *work],
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"} | engine,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {"problem": done.stderr[-200:] or "no answer"}


def _import(python: Path) -> None:
    """What ``from momentum_sdk import Momentum`` costs, beyond an interpreter's own start."""

    def start(code: str, **environment: str) -> None:
        command = [python, "-S", "-c", f"import sys; sys.path.insert(0, {place!r}); {code}"]
        subprocess.run(command, env=os.environ | environment, timeout=LONGEST_S, check=True)

    place = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    code = "from momentum_sdk import Momentum"
    best = best_seconds(
        {
            "nothing": lambda: start(""),
            "plain": lambda: start(code, MOMENTUM_ENGINE="plain"),
            "compiled": lambda: start(code),
        },
        N_IMPORTS,
        _processor_s,
    )
    for name in ("plain", "compiled"):
        print(f"  import, {name:9} {(best[name] - best['nothing']) * 1e3:5.1f} ms of a processor")


def _processor_s() -> float:
    """The processor's time for all children so far: whoever else is busy here takes none of it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
