"""Who gets which variant: deterministic, pure, standard library only.

payload = parse_payload(json)
evaluation = evaluate(payload, "new-home", {"id": "learner-1", "role": "seller"})
"""

from ._engine import ENGINE
from .errors import AssignmentError, InvalidPayload
from .evaluate import evaluate
from .evaluation import REASONS, Evaluation, Reason
from .payload import parse_payload
from .rules import Payload
from .sticky import InMemoryStickyStore, NoStickyStore, StickyStore
from .visits import Visit

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
