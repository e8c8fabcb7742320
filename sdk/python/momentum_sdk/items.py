"""From what the host hands in to the JSON items that the server takes."""

import itertools
import json
import math
import os
import time
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from .plain import LARGEST_EXACT, TooLarge, is_a, is_plain, mend

LONGEST_LEARNER: Final = 256  # these two as the server takes them
LONGEST_KIND: Final = 128
LARGEST_ITEM: Final = 32_768
EXPOSURE_ATTRIBUTES: Final = ("role", "region", "team")
LEARNER_ATTRIBUTES: Final = ("role", "region", "team", "started_on")

Item = dict[str, Any]


class Unusable(Exception):  # noqa: N818 - reads as a sentence where it is caught
    """Something that the host handed in and that cannot be sent; names the field, not the value."""


class ItemIds:
    """Ids that no other process makes; cheap, because each event has one."""

    def __init__(self) -> None:
        self._prefix = os.urandom(10).hex()
        self._numbers = itertools.count()

    def next(self) -> str:
        """An id that was never given before."""
        return f"{self._prefix}-{next(self._numbers):x}"


def learner_text(learner: Any) -> str:
    """A learner's id as text; "" when it cannot be one. Texts, whole numbers and UUIDs can."""
    if type(learner) is str:
        return learner if len(learner) <= LONGEST_LEARNER else ""
    is_id = isinstance(learner, int | str) or is_a(learner, "uuid", "UUID")
    if not is_id or isinstance(learner, bool):
        return ""
    text = str.__str__(learner) if isinstance(learner, str) else str(learner)
    return text if len(text) <= LONGEST_LEARNER else ""


def epoch_ms(at: Any) -> int:
    """Milliseconds since 1970 of an aware time, or of now.

    Raises:
        Unusable: not a time, or without a zone.
    """
    if at is None:
        return int(time.time() * 1000)
    if not isinstance(at, datetime):
        raise Unusable("at is not a datetime; give datetime.now(timezone.utc) or leave it out")
    if at.utcoffset() is None:
        raise Unusable("at has no time zone; give datetime.now(timezone.utc) or leave it out")
    return int(at.timestamp() * 1000)


def build_event(
    item_id: str, kind: Any, learner: Any, value: Any, properties: Any, at: Any
) -> Item:
    """An engagement event.

    Raises:
        Unusable: the kind, the learner, the value or the time cannot be sent.
    """
    if not isinstance(kind, str) or not 0 < len(kind) <= LONGEST_KIND:
        raise Unusable("kind is not a short text; give one such as challenge_completed")
    item: Item = {
        "type": "event",
        "id": item_id,
        "kind": kind,
        "learner": _learner(learner),
        "at": epoch_ms(at),
    }
    if value is not None:
        item["value"] = _number(value)
    if properties is not None:
        if not isinstance(properties, Mapping):
            raise Unusable('properties is not a dict; give one such as {"course": "negotiation"}')
        item["properties"] = properties
    return item


def build_exposure(
    item_id: str,
    experiment: str,
    variant: str,
    learner: str,
    attributes: Mapping[Any, Any],
    at: Any,
) -> Item:
    """An exposure: a learner met a variant.

    Raises:
        Unusable: the time cannot be sent.
    """
    return {
        "type": "exposure",
        "id": item_id,
        "experiment": experiment,
        "variant": variant,
        "learner": learner,
        "at": epoch_ms(at),
        "attributes": _known(attributes, EXPOSURE_ATTRIBUTES),
    }


def build_learner(item_id: str, learner: Any, attributes: Any, at: Any) -> Item:
    """A learner's description.

    Raises:
        Unusable: the learner, the attributes or the time cannot be sent.
    """
    if not isinstance(attributes, Mapping):
        raise Unusable('attributes is not a dict; give one such as {"role": "seller"}')
    return {
        "type": "learner",
        "id": item_id,
        "learner": _learner(learner),
        "attributes": _known(attributes, LEARNER_ATTRIBUTES),
        "at": epoch_ms(at),
    }


def _learner(learner: Any) -> str:
    text = learner_text(learner)
    if not text:
        raise Unusable(f"learner is not an id; give a text of 1 to {LONGEST_LEARNER} characters")
    return text


def _number(value: Any) -> float:
    if type(value) is int and abs(value) <= LARGEST_EXACT:
        return value
    try:
        number = float(value)
    except Exception:  # the host's own type may raise anything; the event is dropped, not the host
        raise Unusable("value is not a number; give one such as 1 or 2.5") from None
    if not math.isfinite(number):
        raise Unusable("value is not a finite number; give one such as 1 or 2.5")
    return number


def _known(attributes: Mapping[Any, Any], names: tuple[str, ...]) -> Item:
    """The few attributes that the analysis knows; nothing else about a learner leaves the host."""
    known: Item = {}
    for name in names:
        value = attributes.get(name)
        if isinstance(value, date):
            known[name] = value.isoformat()[:10]
        elif isinstance(value, str | int) and not isinstance(value, bool):
            known[name] = str(value)
    return known


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_TOO_LARGE: Final = f"an item is larger than {LARGEST_ITEM} bytes; send fewer properties"


def encode_item(item: Item) -> tuple[bytes, list[str]]:
    """The item as JSON, and the names of the fields that had to be mended for it.

    Raises:
        Unusable: it is too large.
    """
    changed: list[str] = []
    encoded = _encode_unchanged(item)
    if encoded is None:
        mended, changed = mend(item)
        encoded = _encode(mended).encode()
    if len(encoded) > LARGEST_ITEM:
        raise Unusable(_TOO_LARGE)
    return encoded, changed


def _encode_unchanged(item: Item) -> bytes | None:
    """The item as it is; None when it has what JSON in UTF-8 cannot carry to the server."""
    try:
        if "properties" not in item or is_plain(item["properties"]):
            return _encode(item).encode()
    except TooLarge:
        raise Unusable(_TOO_LARGE) from None
    except Exception:  # half a character, circles, foreign objects
        return None
    return None
