"""Which engine answers: compiled, where the SDK's wheel brought it, or else plain Python.

Both are built from the same source and give the same answers; the compiled one gives them sooner.
"""

import os
import sys
from collections.abc import MutableSequence
from importlib import import_module
from typing import Final

FOLDER: Final = "_compiled"
"""Where a wheel keeps the compiled modules, beside the plain ones."""

SETTING: Final = "MOMENTUM_ENGINE"
"""``plain`` leaves the compiled modules alone."""


def choose_engine(package: str, places: MutableSequence[str]) -> str:
    """Let the package find its compiled modules first, if there are any that this Python can use.

    Args:
        package: the package's full name.
        places: the package's ``__path__``.

    Returns:
        "compiled" or "plain".
    """
    folder = os.path.join(places[0], FOLDER)  # noqa: PTH118 - pathlib would double the import's cost
    if os.environ.get(SETTING) == "plain" or not os.path.isdir(folder):  # noqa: PTH112 - as above
        return "plain"
    places.insert(0, folder)
    try:
        found = import_module(f"{package}.evaluate").__file__ or ""
    except Exception:  # built for another machine: the host must start all the same
        places.remove(folder)
        _forget(package, folder)
        return "plain"
    return "compiled" if found.startswith(folder) else "plain"


def _forget(package: str, folder: str) -> None:
    """Whatever was loaded before the failure is loaded again, plain."""
    for name, module in list(sys.modules.items()):
        is_ours = name.startswith(f"{package}.")
        if is_ours and (getattr(module, "__file__", None) or "").startswith(folder):
            del sys.modules[name]


_package = __name__.rpartition(".")[0]
ENGINE: Final = choose_engine(_package, sys.modules[_package].__path__)
"""Which one answers; chosen before any other module of the package is imported."""
