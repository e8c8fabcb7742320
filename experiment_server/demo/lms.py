"""Finding the simulated platform: it is an example in the checkout, never part of the product."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

EXAMPLES: Final = Path(__file__).resolve().parents[2] / "examples"


class NoCheckoutError(RuntimeError):
    """There is no checkout beside this installation, so there is nobody to simulate."""


def load_simulated_lms(examples: Path = EXAMPLES) -> ModuleType:
    """The package ``simulated_lms`` from the checkout's ``examples``.

    Raises:
        NoCheckoutError: this installation has no examples.
    """
    if not (examples / "simulated_lms" / "__init__.py").is_file():
        raise NoCheckoutError(
            f"momentum demo needs the simulated learners in {examples / 'simulated_lms'}, which an "
            "installed package does not carry; clone the repository and run 'make demo' in it"
        )
    if str(examples) not in sys.path:
        sys.path.insert(0, str(examples))
    return import_module("simulated_lms.lms")
