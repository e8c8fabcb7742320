"""Momentum's client for learning platforms: decides locally, logs in the background.

from momentum_sdk import Momentum

momentum = Momentum("https://momentum.example.com", "mo_server_...")
variant = momentum.variant("reward-ladder", "learner-1", {"role": "seller"})
momentum.track("challenge_completed", "learner-1", value=10)
"""

from .answers import Status, Variant
from .client import Momentum
from .options import Options
from .outbox import Counts

__version__ = "0.1.0"
__all__ = ["Counts", "Momentum", "Options", "Status", "Variant", "__version__"]
