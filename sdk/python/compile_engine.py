"""Compiles the engine's source with mypyc: ``python compile_engine.py SOURCE PACKAGE TARGET``.

SOURCE is the folder of the engine's modules, PACKAGE the full name they are imported by, and TARGET
the folder that receives the extension modules. Works in the current folder; give it an empty one.
"""

import shutil
import sys
from pathlib import Path

PLAIN = {"__init__", "_engine", "blocks", "bulk", "columns", "encrypted", "explaining", "sql"}
"""Left as they are: what chooses the engine, and what spends its time in other packages."""

OPTIONS = [
    "--config-file=",
    "--follow-imports=silent",
    "--ignore-missing-imports",
    "--no-color-output",
]


def copy_source(source: Path, package: str) -> list[str]:
    """Lay the modules out under the package's name; the paths of those to compile."""
    folder = Path(*package.split("."))
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__", "_compiled"))
    for parent in list(folder.parents)[:-1]:
        (parent / "__init__.py").touch()
    return [str(path) for path in sorted(folder.glob("*.py")) if path.stem not in PLAIN]


def compile_engine(source: Path, package: str, target: Path) -> None:
    """Compile into the target folder.

    Raises:
        SystemExit: mypyc or the C compiler does not like something; it has said what.
    """
    from mypyc.build import mypycify
    from setuptools import setup

    modules = copy_source(source, package)
    extensions = mypycify(
        [*OPTIONS, *modules], opt_level="3", debug_level="0", group_name=f"{package}.engine"
    )
    build = ["--quiet", "build_ext", "--build-lib", "built", "--build-temp", "parts"]
    setup(name="engine", packages=[], ext_modules=extensions, script_args=build)
    shutil.copytree(Path("built", *package.split(".")), target)


if __name__ == "__main__":
    compile_engine(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
