"""From what the host hands in to the JSON items that the server takes."""

import itertools
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

LONGEST_LEARNER: Final = 256
LONGEST_KIND: Final = 128
LARGEST_ITEM: Final = 32_768
EXPOSURE_ATTRIBUTES: Final = ("role", "region", "team")
LEARNER_ATTRIBUTES: Final = ("role", "region", "team", "started_on")
_LARGEST_EXACT: Final = 2**53  # larger ones lose digits in a JSON number
_DEEPEST: Final = 8
_MOST_PARTS: Final = 1_000

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
    is_id = isinstance(learner, int | str) or _is_a(learner, "uuid", "UUID")
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
    if type(value) is int and abs(value) <= _LARGEST_EXACT:
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


_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def encode_item(item: Item) -> tuple[bytes, bool]:
    """The item as JSON, and whether parts of its properties had to be left out.

    Raises:
        Unusable: it is too large.
    """
    left_out = False
    try:
        text = _encode(item)
    except Exception:  # NaN, circles, foreign objects: keep the event, leave out what JSON has not
        text = _encode({**item, "properties": _Plain().mapping(item.get("properties"), 0)})
        left_out = True
    if len(text) > LARGEST_ITEM:
        raise Unusable(f"an item is larger than {LARGEST_ITEM} bytes; send fewer properties")
    return text.encode(), left_out


class _Plain:
    """Copies what JSON can carry, to a bounded depth and number of parts."""

    def __init__(self) -> None:
        self._n_left = _MOST_PARTS

    def mapping(self, properties: Any, depth: int) -> Item:
        plain: Item = {}
        try:
            for name, part in properties.items():
                kept = self.value(part, depth + 1)
                if kept is not None and type(name) is str:
                    plain[name] = kept
        except Exception:  # a mapping of the host's own may raise; keep what came before
            return plain
        return plain

    def value(self, part: Any, depth: int) -> Any:
        self._n_left -= 1
        if self._n_left < 0 or depth > _DEEPEST:
            return None
        if type(part) in (str, bool, int):
            return part
        if isinstance(part, dict):
            return self.mapping(part, depth)
        if isinstance(part, list | tuple | set | frozenset):
            kept = [self.value(one, depth + 1) for one in itertools.islice(part, _MOST_PARTS)]
            return [one for one in kept if one is not None]
        return _scalar(part)


def _scalar(part: Any) -> Any:
    if isinstance(part, float):
        return float(part) if math.isfinite(part) else None
    if _is_a(part, "decimal", "Decimal"):
        return float(part) if part.is_finite() else None
    if isinstance(part, date):
        return part.isoformat()
    if _is_a(part, "uuid", "UUID"):
        return str(part)
    if _is_a(part, "enum", "Enum") and type(part.value) in (str, bool, int):
        return part.value
    return None


def _is_a(value: Any, module: str, name: str) -> bool:
    """Whether a value is of a type whose module only the host may have imported."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))
