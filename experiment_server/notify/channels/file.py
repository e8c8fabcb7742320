"""A file below the data folder."""

from datetime import UTC, datetime
from pathlib import Path

from experiment_server.notify.channels.channel import BadTargetError, Message, UnsendableError


class FileChannel:
    """Appends messages to a file of the data folder; the folder is as far as it reaches."""

    def check(self, target: str, data_dir: Path) -> None:
        """A name below the data folder.

        Raises:
            BadTargetError: it is empty or leads out of the folder.
        """
        _path(target, data_dir)

    def send(self, target: str, message: Message, data_dir: Path) -> None:
        """Append the message, with the time.

        Raises:
            UnsendableError: the file cannot be written.
        """
        path = _path(target, data_dir)
        block = f"--- {datetime.now(UTC):%Y-%m-%d %H:%M:%S}Z\n{message.text.rstrip()}\n\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(block)
        except OSError as error:
            raise UnsendableError(f"{target}: {error.strerror}") from error


def _path(target: str, data_dir: Path) -> Path:
    folder = data_dir.resolve()
    path = (folder / target.replace("\x00", "")).resolve()
    if not target or "\x00" in target or folder not in path.parents:
        raise BadTargetError(
            f"url: found {target!r}, expected a file below the data folder; for example reports.log"
        )
    return path
