"""Slack, Teams, e-mail and a hundred others, by an apprise URL."""

from pathlib import Path
from typing import Any

from experiment_server.notify.channels.channel import BadTargetError, Message, UnsendableError


class AppriseChannel:
    """Sends through apprise; the URL names the service and holds its secret."""

    def check(self, target: str, data_dir: Path) -> None:  # noqa: ARG002 - the protocol's shape
        """A URL that apprise knows.

        Raises:
            BadTargetError: the schema is unknown or something is missing.
        """
        _open(target)

    def send(self, target: str, message: Message, data_dir: Path) -> None:  # noqa: ARG002
        """Hand the message to the service.

        Raises:
            UnsendableError: the service did not take it.
        """
        service = _open(target)
        if not service.notify(body=message.text, title=message.title):
            raise UnsendableError("the service did not take it; is its address still right?")


def _open(target: str) -> Any:
    # Imported here: apprise loads a hundred services, and only who sends needs them.
    from apprise import Apprise

    service = Apprise.instantiate(target) if target else None
    if service is None:
        schema = target.partition("://")[0][:20] if "://" in target else ""
        raise BadTargetError(
            f"url: the schema {schema!r} is unknown to apprise, or its parts are incomplete; "
            "for example slack://token_a/token_b/token_c or mailto://user:password@example.org"
        )
    return service
