"""Roll-ups: what an experiment's readouts need of each learner, kept up to date file by file."""

from .collect import collect, is_rolled_up
from .refresh import Refreshed, rebuild, refresh
from .shape import Shape
from .shelf import forget
from .verify import Seen, Verified, see, verify

__all__ = [
    "Refreshed",
    "Seen",
    "Shape",
    "Verified",
    "collect",
    "forget",
    "is_rolled_up",
    "rebuild",
    "refresh",
    "see",
    "verify",
]
