"""EVENT STANDARDS: each turns one outside item into our row, or into a refusal with a remedy."""

from collections.abc import Callable
from typing import Any, Final

from experiment_server.ingest.items import ParsedItem, Refusal, Rules
from experiment_server.ingest.standards import caliper, native, xapi

ParseItem = Callable[[Any, int, Rules], ParsedItem | Refusal]

STANDARDS: Final[dict[str, ParseItem]] = {
    "native": native.parse_item,
    "xapi": xapi.parse_item,
    "caliper": caliper.parse_item,
}
"""Name of the standard to its parser."""
