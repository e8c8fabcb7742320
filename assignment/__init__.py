"""Who gets which variant: deterministic, pure, standard library only.

payload = parse_payload(json)
evaluation = evaluate(payload, "new-home", {"id": "learner-1", "role": "seller"})
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._engine import ENGINE
from .errors import AssignmentError, InvalidPayload
from .evaluate import evaluate
from .evaluation import REASONS, Evaluation, Reason
from .rules import Payload
from .sticky import InMemoryStickyStore, NoStickyStore, StickyStore
from .visits import Visit

if TYPE_CHECKING:
    from .payload import parse_payload

__all__ = [
    "ENGINE",
    "REASONS",
    "AssignmentError",
    "Evaluation",
    "InMemoryStickyStore",
    "InvalidPayload",
    "NoStickyStore",
    "Payload",
    "Reason",
    "StickyStore",
    "Visit",
    "evaluate",
    "parse_payload",
]


def __getattr__(name: str) -> Any:
    """Reading payloads is loaded by the first who does, and not while a host starts."""
    if name != "parse_payload":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.payload").parse_payload
