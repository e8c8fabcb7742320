"""NOTIFICATION CHANNELS: each hands a message over, or says why not."""

from typing import Final

from experiment_server.notify.channels.apprise_url import AppriseChannel
from experiment_server.notify.channels.channel import Channel
from experiment_server.notify.channels.file import FileChannel
from experiment_server.notify.channels.log import LogChannel

CHANNELS: Final[dict[str, Channel]] = {
    "file": FileChannel(),
    "log": LogChannel(),
    "apprise_url": AppriseChannel(),
}
"""Kind of channel to what sends there."""
