"""Numbers, shares and dates as people read them, in one place."""

from datetime import UTC, datetime
from math import floor, log10
from typing import Any

MINUS = "\N{MINUS SIGN}"
NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
MISSING = "\N{EN DASH}"


def number(value: float | None, digits: int = 3) -> str:
    """The number to ``digits`` significant digits, without idle zeros: 1234.5 is "1,230"."""
    if value is None:
        return MISSING
    if value == 0:
        return "0"
    decimals = digits - 1 - floor(log10(abs(value)))
    rounded = round(value, decimals)
    text = f"{abs(rounded):,.{max(0, min(decimals, 6))}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if rounded < 0 and text.strip("0.,") else text


def measure(value: float | None, decimals: int = 1) -> str:
    """The number with fixed decimals, so that a row of them compares at a glance."""
    if value is None:
        return MISSING
    text = f"{abs(value):,.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 and text.strip("0.,") else text


def signed(value: float | None, decimals: int = 1) -> str:
    """The number with its sign: "+2.1", "−0.4"."""
    text = measure(value, decimals)
    return f"+{text}" if value is not None and value > 0 and text.strip("0.,") else text


def decimals_for(low: float, high: float) -> int:
    """How many decimals an interval deserves: two digits of half its width, 0-6 decimals."""
    half = abs(high - low) / 2
    if half == 0:
        return 1
    return max(0, min(6, 1 - floor(log10(half))))


def percent(share: float | None, decimals: int = 0) -> str:
    """The share as a percentage; "under 1 %" and "over 99 %" instead of a false certainty."""
    if share is None:
        return MISSING
    edge = 10.0 ** -(decimals + 2)
    if 0 < share < edge:
        return f"under {edge * 100:g}{NARROW_SPACE}%"
    if 1 - edge < share < 1:
        return f"over {(1 - edge) * 100:g}{NARROW_SPACE}%"
    return f"{measure(share * 100, decimals)}{NARROW_SPACE}%"


def signed_percent(share: float | None, decimals: int = 1) -> str:
    """The share with its sign, as a percentage: "+6.4 %"."""
    if share is None:
        return MISSING
    return f"{signed(share * 100, decimals)}{NARROW_SPACE}%"


def interval(low: float | None, high: float | None, decimals: int = 1) -> str:
    """The two ends in words: "−0.4 to +2.1"."""
    return f"{signed(low, decimals)} to {signed(high, decimals)}"


def count(n: int | None) -> str:
    """How many, with thousands set apart: "12,500"."""
    return MISSING if n is None else f"{n:,}"


def counted(n: int, one: str, many: str = "") -> str:
    """How many of what: "1 learner", "12,500 learners"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def p_value(p: float | None) -> str:
    """A p-value without false precision."""
    if p is None:
        return MISSING
    return "under 0.001" if p < 0.001 else f"{p:.3f}"


def date(at: datetime | str | None) -> str:
    """The day, readable in every country: "4 Mar 2025"."""
    moment = _moment(at)
    return MISSING if moment is None else f"{moment.day} {moment:%b %Y}"


def day_month(at: datetime | str | None) -> str:
    """The day without its year, for an axis: "4 Mar"."""
    moment = _moment(at)
    return MISSING if moment is None else f"{moment.day} {moment:%b}"


def date_time(at: datetime | str | None) -> str:
    """The minute, in UTC: "4 Mar 2025, 06:00 UTC"."""
    moment = _moment(at)
    return MISSING if moment is None else f"{date(moment)}, {moment:%H:%M} UTC"


def iso(at: datetime | str | None) -> str:
    """The moment for a machine: the ``datetime`` of a ``<time>``."""
    moment = _moment(at)
    return "" if moment is None else moment.isoformat()


def plain(value: Any) -> str:
    """Any value of a table's cell as text."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    if isinstance(value, float):
        return number(value)
    return str(value)


def heading(name: str) -> str:
    """A column's or key's name as a heading: "repeat_rate" is "Repeat rate"."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def joined(items: list[str], last: str = "and") -> str:
    """The items as a list in a sentence: "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def _moment(at: datetime | str | None) -> datetime | None:
    if at is None or at == "":
        return None
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
