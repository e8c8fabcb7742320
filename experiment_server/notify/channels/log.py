"""The server's own log."""

from pathlib import Path

import structlog

from experiment_server.notify.channels.channel import BadTargetError, Message


class LogChannel:
    """Writes messages to the log, for operators who watch it."""

    def check(self, target: str, data_dir: Path) -> None:  # noqa: ARG002 - the protocol's shape
        """The log needs no target.

        Raises:
            BadTargetError: there is one.
        """
        if target:
            raise BadTargetError(f"url: found {target!r}, expected nothing; the log has no address")

    def send(self, target: str, message: Message, data_dir: Path) -> None:  # noqa: ARG002
        """One line in the log."""
        structlog.get_logger().info("message", title=message.title, text=message.text)
