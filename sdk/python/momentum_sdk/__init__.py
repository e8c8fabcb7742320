"""Momentum's client for learning platforms: decides locally, logs in the background.

from momentum_sdk import Momentum

momentum = Momentum("https://momentum.example.com", "mo_server_...")
variant = momentum.variant("reward-ladder", "learner-1", {"role": "seller"})
momentum.track("challenge_completed", "learner-1", value=10)
"""

from typing import TYPE_CHECKING, Any

from .answers import Counts, Status, Variant
from .client import Momentum
from .options import Options

if TYPE_CHECKING:
    from ._assignment import StickyStore
    from .aio import AsyncMomentum

__version__ = "0.1.0"
__all__ = [
    "AsyncMomentum",
    "Counts",
    "Momentum",
    "Options",
    "Status",
    "StickyStore",
    "Variant",
    "__version__",
    "engine",
]


def engine() -> str:
    """Which engine decides: "compiled", or "plain" Python; both decide the same."""
    from ._assignment import ENGINE

    return ENGINE


def __getattr__(name: str) -> Any:
    """These are loaded by those who use them; the engine, with the first client at the latest."""
    if name == "AsyncMomentum":
        from .aio import AsyncMomentum

        return AsyncMomentum
    if name == "StickyStore":
        from ._assignment import StickyStore

        return StickyStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
