"""The compiled engine is the same engine: built from the same source, it answers as the plain one.

The wheel is built once for each state of the source, and kept in the system's temporary folder.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SDK = ROOT / "sdk" / "python"
RUN_CASES = ROOT / "tests" / "contracts" / "run_cases.py"
NEVER_COMPILED = {"test_blocks.py", "test_bulk.py", "test_sql.py"}
COMPILER = (sysconfig.get_config_var("CC") or "cc").split()[0]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which(COMPILER) is None, reason="no C compiler"),
]


def run(*arguments: str | Path, cwd: str | Path = os.sep, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=os.environ | environment,
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-4000:]
    return result.stdout


def state_of_source() -> str:
    """A name that changes with all that the compiled engine depends on."""
    digest = hashlib.sha256(f"{sys.version} {COMPILER}".encode())
    for path in sorted([*(ROOT / "assignment").glob("*.py"), *SDK.glob("*.*")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


@pytest.fixture(scope="module")
def installed() -> Path:
    """The folder where the SDK's wheel with the compiled engine is installed."""
    kept = Path(tempfile.gettempdir()) / f"momentum-engine-{os.getuid()}-{state_of_source()}"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as place:
            wheels, host = Path(place, "dist"), Path(place, "host")
            build = ["-m", "build", "--no-isolation", "--wheel", "--outdir", wheels, SDK]
            run(*build, MOMENTUM_ENGINE="compiled")
            wheel = next(wheels.glob("*.whl"))
            assert "-py3-none-any" not in wheel.name
            run("-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", host, wheel)
            try:
                host.rename(kept)
            except OSError:  # another test process was sooner
                assert kept.exists()
    return kept


def engine_of(place: Path, **environment: str) -> list[str]:
    code = (
        f"import sys; sys.path.insert(0, {str(place)!r})\n"
        "from momentum_sdk import _assignment as engine\n"
        "flags = {'f': {'rules': [{'variations': ['a', 'b'], 'hashVersion': 2}]}}\n"
        "payload = engine.parse_payload({'features': flags})\n"
        "print(engine.ENGINE, engine.evaluate(payload, 'f', {'id': 'learner-1'}).variant)"
    )
    return run("-S", "-c", code, **environment).split()


def pytest_run(installed: Path, *arguments: str | Path) -> str:
    return run(
        *("-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", *arguments),
        cwd=ROOT,
        MOMENTUM_COMPILED_SDK=str(installed),
    )


def test_compiled__contract_cases__hold_in_a_bare_interpreter(installed: Path) -> None:
    said = json.loads(run("-I", "-S", RUN_CASES, "momentum_sdk._assignment", installed))

    assert said["failures"] == []
    assert said["run"] > 200


def test_compiled__anything_at_all__is_answered_as_by_the_plain_one(installed: Path) -> None:
    said = pytest_run(installed, ROOT / "tests" / "architecture" / "compiled_against_plain.py")

    assert " passed" in said


def test_compiled__the_engines_own_tests__pass(installed: Path) -> None:
    files = [
        path
        for path in sorted((ROOT / "tests" / "assignment").glob("test_*.py"))
        if path.name not in NEVER_COMPILED
    ]

    said = pytest_run(installed, "-p", "tests.architecture.compiled", *files)

    assert " passed" in said


def test_engine__of_the_installed_wheel__is_compiled_unless_plain_is_asked_for(
    installed: Path,
) -> None:
    compiled, plain = engine_of(installed), engine_of(installed, MOMENTUM_ENGINE="plain")

    assert (compiled[0], plain[0]) == ("compiled", "plain")
    assert compiled[1] == plain[1]


def test_engine__compiled_for_another_machine__falls_back_to_plain(
    installed: Path, tmp_path: Path
) -> None:
    shutil.copytree(installed, tmp_path / "host")
    (library,) = (tmp_path / "host").rglob("engine__mypyc*")
    library.write_bytes(b"\x7fELF of another machine")

    assert engine_of(tmp_path / "host") == ["plain", engine_of(installed)[1]]


def test_engine__compiled_for_another_python__falls_back_to_plain(
    installed: Path, tmp_path: Path
) -> None:
    shutil.copytree(installed, tmp_path / "host")
    for library in (tmp_path / "host").rglob("_compiled/*"):
        library.rename(library.with_name(library.name.replace("cpython-3", "cpython-2")))

    assert engine_of(tmp_path / "host") == ["plain", engine_of(installed)[1]]
