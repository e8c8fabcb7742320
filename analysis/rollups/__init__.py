"""Roll-ups: what an experiment's readouts need of each learner, kept up to date file by file."""

from .collect import collect, is_rolled_up
from .refresh import Refreshed, rebuild, refresh
from .shelf import forget

__all__ = ["Refreshed", "collect", "forget", "is_rolled_up", "rebuild", "refresh"]
