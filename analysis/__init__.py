"""What it did: from a lake to estimates, checks and a decision. Knows nothing of web or store.

Importing this package, ``analysis.plan``, ``analysis.results`` or ``analysis.answers`` loads no
engine; ``analysis.read.run_readout`` loads one when it runs.

For notebooks: ``analysis.readout(table, plan)`` reads any table with one row a unit. The plan is an
``analysis.Plan``; its outcomes are columns, or made by ``mean``, ``ratio``, ``quantile``,
``survival``, ``co_primary`` and ``guardrail``. See docs/howto/notebook.md.
"""

from importlib import import_module
from typing import Any

__all__ = [
    "Looks",
    "Plan",
    "TableError",
    "co_primary",
    "guardrail",
    "mean",
    "quantile",
    "ratio",
    "readout",
    "survival",
]


def __getattr__(name: str) -> Any:
    """Load what notebooks use when it is first asked for: the engine takes a while."""
    if name in __all__:
        return getattr(import_module("analysis.table.library"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
