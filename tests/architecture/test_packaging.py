"""The SDK's wheel stands alone: built from its sdist, it decides as the checkout does."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SDK = ROOT / "sdk" / "python"
RUN_CASES = ROOT / "tests" / "contracts" / "run_cases.py"


def run(*arguments: str | Path, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=os.sep,  # not the checkout: nothing may be found there by chance
        env=os.environ | environment,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", folder, SDK, MOMENTUM_ENGINE="plain")
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("host")
    run("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", folder, wheel)
    return folder


def bare(installed: Path, code: str) -> str:
    """What a bare interpreter prints that finds the standard library and the wheel, no more."""
    return run("-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(installed)!r})\n{code}")


def test_wheel__contract_cases__hold_in_a_bare_interpreter(installed: Path) -> None:
    said = json.loads(run("-I", "-S", RUN_CASES, "momentum_sdk._assignment", installed))

    assert said["failures"] == []
    assert said["run"] > 200


def test_wheel__of_the_plain_engine__fits_every_machine(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert wheel.name.endswith("-py3-none-any.whl")
    assert not [name for name in names if "_compiled" in name]


def test_wheel__top_level__is_momentum_sdk_alone(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}

    assert tops == {"momentum_sdk"}


def test_wheel__engine__is_real_files(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    expected = {
        f"momentum_sdk/_assignment/{path.name}" for path in (ROOT / "assignment").glob("*.py")
    }

    assert expected <= names
    assert {"momentum_sdk/py.typed", "momentum_sdk/_assignment/py.typed"} <= names


def test_wheel__host_with_its_own_assignment__keeps_it(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "assignment.py").write_text("OWN = 'homework'")

    code = f"sys.path.insert(0, {str(tmp_path)!r})\nimport momentum_sdk, assignment"

    said = bare(installed, f"{code}\nprint(assignment.OWN)")

    assert said.strip() == "homework"


def test_wheel__a_client__needs_the_standard_library_only(installed: Path) -> None:
    said = bare(
        installed,
        "import momentum_sdk\n"
        "client = momentum_sdk.Momentum('http://127.0.0.1:9', 'mo_client_x', exit_timeout_s=0)\n"
        "print(client.variant('reward-ladder', 'l1').reason)\n"
        "import momentum_sdk.testing\n"
        "foreign = {name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names\n"
        "print(sorted(foreign - {'__main__', 'momentum_sdk'}))",
    )

    assert said.split("\n")[:2] == ["not_ready", "[]"]


def test_versions__service_sdk_and_module__are_equal(installed: Path) -> None:
    service = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    sdk = tomllib.loads((SDK / "pyproject.toml").read_text())["project"]["version"]

    assert service == sdk
    assert bare(installed, "import momentum_sdk; print(momentum_sdk.__version__)").strip() == sdk
    assert f"## {sdk}" in (SDK / "CHANGELOG.md").read_text()
