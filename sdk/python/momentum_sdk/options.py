"""The options of a client.

A wrong one is complained of and replaced by its default: a typo must not take the host down.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Options:
    """How a client behaves; each is a keyword of `Momentum`."""

    poll_interval_s: float = 30.0  # how often definitions are asked for, +-10 %
    flush_interval_s: float = 2.0  # how long an event waits for company
    batch_size: int = 500  # events in one request, at most 1,000
    queue_size: int = 10_000  # events waiting; a full queue drops the newest and counts it
    block_when_full_s: float = 0.0  # how long track() may wait for room; for importers
    request_timeout_s: float = 10.0  # one request, whole, from its start to its last byte
    retry_base_s: float = 1.0  # first wait after a failure; doubles up to 30 s
    exit_timeout_s: float = 2.0  # how long the exit of the process may wait for the last events
    exposure_memory: int = 100_000  # exposures remembered, so that each is logged once
    payload_file: str | None = None  # keeps the last definitions over a restart; never expires
    payload: Any = None  # definitions to begin with: the payload's dict, or a file of its JSON
    decryption_key: str | None = None  # of an encrypted client key; needs the extra `encryption`
    offline: bool = False  # ask for nothing and send nothing; events count as dropped
    streaming: bool = False  # hear of changes by a stream; poll while there is none
    compress: bool = False  # gzip request bodies
    sticky: Any = False  # keep each unit's variant: True within this process, or in a store
    spool_dir: str | None = None  # keeps events that wait over the death of the process
    spool_max_mb: int = 100  # how much may wait there for each process; beyond, the newest drop


_LONGEST_WAIT_S: Final = 1_000_000


def _seconds(low: float, high: float) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if math.isfinite(value) and low <= value <= high else None

    return read


def _count(low: int, high: int) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return value if fits else None

    return read


def _path(value: Any) -> Any:
    import os

    if isinstance(value, str) and value:
        return value
    return os.fspath(value) if isinstance(value, os.PathLike) else None


def _payload(value: Any) -> Any:
    return value if isinstance(value, dict) and value else _path(value)


def _text(value: Any) -> Any:
    return value if isinstance(value, str) and value else None


def _switch(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _store(value: Any) -> Any:
    """A switch, or the host's own store: an object, not its class."""
    if isinstance(value, bool):
        return value
    has_both = callable(getattr(value, "get", None)) and callable(getattr(value, "save", None))
    return value if has_both and not isinstance(value, type) else None


_READERS: Final[Mapping[str, tuple[Callable[[Any], Any], str]]] = {
    "poll_interval_s": (_seconds(0.05, 86_400), "seconds from 0.05 to 86400, such as 30"),
    "flush_interval_s": (_seconds(0.01, 3_600), "seconds from 0.01 to 3600, such as 2"),
    "batch_size": (_count(1, 1_000), "a whole number from 1 to 1000, such as 500"),
    "queue_size": (_count(1, 10_000_000), "a whole number from 1, such as 10000"),
    "block_when_full_s": (_seconds(0, 86_400), "seconds from 0, such as 30"),
    "request_timeout_s": (_seconds(0.05, 600), "seconds from 0.05 to 600, such as 10"),
    "retry_base_s": (_seconds(0.01, 30), "seconds from 0.01 to 30, such as 1"),
    "exit_timeout_s": (_seconds(0, 600), "seconds from 0 to 600, such as 2"),
    "exposure_memory": (_count(0, 10_000_000), "a whole number from 0, such as 100000"),
    "payload_file": (_path, "a path, such as momentum-payload.json"),
    "spool_dir": (_path, "a path, such as momentum-spool"),
    "spool_max_mb": (_count(1, 100_000), "a whole number from 1 to 100000, such as 100"),
    "payload": (_payload, "a payload as a dict, or the path of its JSON file"),
    "decryption_key": (_text, "the key in Base64 that was made with the client key"),
    "offline": (_switch, "True or False"),
    "streaming": (_switch, "True or False"),
    "compress": (_switch, "True or False"),
    "sticky": (_store, "True, or a store with the methods get and save"),
}


def waiting_time(timeout_s: Any) -> float:
    """How long a method may wait, from whatever the host asked for; nothing odd waits at all.

    NaN above all: it is below no deadline, so a wait for so long would never end.
    """
    if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float):
        return 0.0
    return float(min(max(timeout_s, 0), _LONGEST_WAIT_S)) if timeout_s == timeout_s else 0.0


def _read(read: Callable[[Any], Any], given: Any) -> Any:
    """The value of an option; None for what is of no use, whatever it does when it is looked at."""
    try:
        return read(given)
    except Exception:  # an integer beyond all floats, a type of the host's own that raises
        return None


def read_options(config: Mapping[str, Any]) -> tuple[Options, list[str]]:
    """The options that a configuration asks for, and a sentence for each that is wrong."""
    options = Options()
    complaints: list[str] = []
    for name, given in config.items():
        reader = _READERS.get(name)
        if reader is None:
            complaints.append(f"there is no option {name!r}; there are {', '.join(_READERS)}")
            continue
        if given is None and getattr(options, name) is None:
            continue
        read, expected = reader
        value = _read(read, given)
        if value is None:
            complaints.append(f"option {name} was left at its default; give {expected}")
        else:
            options = replace(options, **{name: value})
    return options, complaints
