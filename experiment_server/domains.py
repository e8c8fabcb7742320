"""What experiments are about: reports, permissions and holdouts sort them by it."""

from typing import Final

DOMAINS: Final = ("incentive", "challenge_format", "sequencing", "messaging", "other")
