"""What a notification channel is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """What people are told."""

    title: str
    text: str


class UnsendableError(RuntimeError):
    """The channel did not take the message; the sentence says why. It is tried again later."""


class BadTargetError(ValueError):
    """The target cannot be used by this kind of channel; the sentence says what would be right."""


class Channel(Protocol):
    """One way to tell people something."""

    def check(self, target: str, data_dir: Path) -> None:
        """Refuse a target that can never work.

        Raises:
            BadTargetError: says what was found and what would be right.
        """
        ...

    def send(self, target: str, message: Message, data_dir: Path) -> None:
        """Hand the message over.

        Raises:
            UnsendableError: it was not taken.
        """
        ...
