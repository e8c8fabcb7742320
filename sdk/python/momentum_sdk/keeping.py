"""The last definitions on disk, so that a restart during an outage changes nothing."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from .notices import Notices

FORMAT = 1


def read_json(path: str) -> Any:
    """The JSON in a file; None when there is none to be had."""
    try:
        return json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


class Keeper:
    """Reads and writes one file. What it holds never expires: old definitions beat none."""

    def __init__(self, path: str, notices: Notices) -> None:
        self._path = Path(path)
        self._notices = notices

    def load(self) -> Any:
        """The definitions in the file; None when there are none to be had."""
        try:
            kept = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError):
            kept = None
        if not isinstance(kept, dict) or kept.get("format") != FORMAT:
            self._notices.warn("file", "payload_file cannot be read and is ignored")
            return None
        return kept.get("payload")

    def store(self, payload: Any) -> None:
        """Replace the file, whole or not at all; only its owner may read it."""
        text = json.dumps({"format": FORMAT, "payload": payload})
        try:
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self._path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            self._notices.warn("file", "payload_file cannot be written (%s)", type(error).__name__)
