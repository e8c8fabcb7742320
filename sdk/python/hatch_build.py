"""Puts a compiled engine into the wheel where the machine that builds it can compile one.

MOMENTUM_ENGINE=plain builds the wheel for every machine; MOMENTUM_ENGINE=compiled makes it an error
when the engine cannot be compiled. Without it, a machine that cannot builds the plain wheel.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "momentum_sdk._assignment"
FOLDER = "momentum_sdk/_assignment"
TOOLS = ["mypy[mypyc]>=1.18", "setuptools>=77"]
LONGEST_S = 600


class CompiledEngine(BuildHookInterface[Any]):
    """Compiles the engine for a wheel; editable installs keep the source."""

    def dependencies(self) -> list[str]:
        """What to install before the build: the compiler's front, where there is a compiler."""
        return TOOLS if wish() != "plain" and can_compile_c() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add what came of it to the wheel."""
        if version == "editable" or wish() == "plain":
            return
        self._place = tempfile.TemporaryDirectory()
        problem = compile_into(Path(self.root, FOLDER), Path(self._place.name))
        if problem and wish() == "compiled":
            raise RuntimeError(f"the engine cannot be compiled: {problem}")
        if problem:
            self.app.display_warning(f"the wheel has the plain engine only: {problem}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        built = Path(self._place.name, "target")
        build_data["force_include"][str(built)] = f"{FOLDER}/_compiled"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Clear up."""
        if hasattr(self, "_place"):
            self._place.cleanup()


def wish() -> str:
    """What the person who builds asks for; "" leaves it to the machine."""
    return os.environ.get("MOMENTUM_ENGINE", "")


def can_compile_c() -> bool:
    """Whether there seem to be a C compiler and Python's headers."""
    if sys.implementation.name != "cpython":
        return False
    if os.name == "nt":
        return wish() == "compiled"  # whether there is one shows only when it is used
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    headers = Path(sysconfig.get_path("include"), "Python.h")
    return shutil.which(compiler) is not None and headers.exists()


def compile_into(source: Path, place: Path) -> str:
    """Compile into the folder "target" of a place; why it did not work, "" if it did."""
    if not can_compile_c():
        return "there is no C compiler, or Python's headers are missing"
    if importlib.util.find_spec("mypyc") is None or importlib.util.find_spec("setuptools") is None:
        return "mypyc or setuptools is not installed"
    work = place / "work"
    work.mkdir()
    script = Path(__file__).with_name("compile_engine.py")
    command = [sys.executable, str(script), str(source.resolve()), PACKAGE, str(place / "target")]
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            command, cwd=work, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {LONGEST_S} seconds"
    return (done.stdout + done.stderr)[-2000:] if done.returncode else ""
