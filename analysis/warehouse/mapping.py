"""Mapping: which tables and columns of a warehouse say what the lake's tables would say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from analysis.kinds import is_known

MAX_PARTS: Final = 20
MAX_NAME: Final = 200
MAX_QUERY: Final = 20_000
MAX_NAMES: Final = 200  # of one translation


@dataclass(frozen=True)
class Misfit:
    """One field of a mapping that does not fit: what was found, what is right, what to do."""

    field: str  # a JSON path: "events[1].learner"
    found: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        """The error as one line."""
        return f"{self.field}: found {self.found}, expected {self.expected}. {self.remedy}"


@dataclass(frozen=True)
class Rows:
    """Where rows come from: a table, or one SELECT, and the zone of its times.

    Attributes:
        table: ``name``, ``schema.name`` or ``catalog.schema.name``.
        query: a single SELECT in the warehouse's dialect, instead of a table.
        time_zone: of times that carry no zone, and of none else.
    """

    table: str = ""
    query: str = ""
    time_zone: str = "UTC"


@dataclass(frozen=True)
class Exposures(Rows):
    """Columns of who met which variant when. Empty: the warehouse has no such column.

    Attributes:
        learner, variant, exposed_at: always needed.
        unit: the team, when teams were randomised.
        experiment: which experiment a row is of; without it, every row is of the one that reads.
        received_at: when the row arrived; without it, when it happened.
        role, region, stratum: what was known of the learner then.
        variants: the warehouse's name of a variant -> its key here.
        experiments: the warehouse's name of an experiment -> its key here.
    """

    learner: str = ""
    variant: str = ""
    exposed_at: str = ""
    unit: str = ""
    experiment: str = ""
    received_at: str = ""
    role: str = ""
    region: str = ""
    stratum: str = ""
    variants: Mapping[str, str] = field(default_factory=dict)
    experiments: Mapping[str, str] = field(default_factory=dict)

    NEEDED = ("learner", "variant", "exposed_at")


@dataclass(frozen=True)
class Events(Rows):
    """Columns of what learners did; of the kind that a column says, or all of one kind.

    Attributes:
        kind: the column; or
        constant_kind: the kind of every row.
        kinds: the warehouse's name of a kind -> its name here; others stay as they are.
    """

    learner: str = ""
    occurred_at: str = ""
    kind: str = ""
    constant_kind: str = ""
    value: str = ""
    received_at: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)

    NEEDED = ("learner", "occurred_at")


@dataclass(frozen=True)
class Outcomes(Rows):
    """Columns of numbers by learner and day: an event ``outcome:<name>`` at noon of the day.

    Attributes:
        name: the column; or
        constant_name: the name of every row.
        received_at: with it the latest row of a learner, name and day counts; without it, rows
            must be unique.
    """

    learner: str = ""
    day: str = ""
    value: str = ""
    name: str = ""
    constant_name: str = ""
    received_at: str = ""

    NEEDED = ("learner", "day", "value")


@dataclass(frozen=True)
class Learners(Rows):
    """Columns of what is known of learners: segments are told by them.

    Attributes:
        described_at: from when a row holds; without it, rows must be unique and hold always.
        role, region: where the exposures do not say them.
        started_on: the first working day, which tenure counts from.
    """

    learner: str = ""
    described_at: str = ""
    role: str = ""
    region: str = ""
    started_on: str = ""

    NEEDED = ("learner",)


@dataclass(frozen=True)
class SourceMapping:
    """A whole mapping. Without exposures, those of Momentum's own lake are used."""

    exposures: Exposures | None = None
    events: tuple[Events, ...] = ()
    outcomes: tuple[Outcomes, ...] = ()
    learners: Learners | None = None

    def parts(self) -> list[tuple[str, Rows]]:
        """Every part with its JSON path, in a fixed order."""
        listed: list[tuple[str, Rows]] = []
        if self.exposures is not None:
            listed.append(("exposures", self.exposures))
        listed += [(f"events[{at}]", part) for at, part in enumerate(self.events)]
        listed += [(f"outcomes[{at}]", part) for at, part in enumerate(self.outcomes)]
        if self.learners is not None:
            listed.append(("learners", self.learners))
        return listed


NOT_COLUMNS: Final = frozenset(
    {"table", "query", "time_zone", "constant_kind", "constant_name", "variants", "kinds"}
    | {"experiments"}
)

Part = TypeVar("Part", bound=Rows)


def columns_of(part: Rows) -> dict[str, str]:
    """What a part calls each column: ours -> the warehouse's, those that it names."""
    named = {each.name: getattr(part, each.name) for each in fields(part)}
    return {name: each for name, each in named.items() if name not in NOT_COLUMNS and each}


def parse_mapping(plain: Mapping[str, Any]) -> tuple[SourceMapping | None, list[Misfit]]:
    """The mapping that plain JSON values describe, or every field of them that does not fit."""
    errors: list[Misfit] = []
    unknown = sorted(set(plain) - {"exposures", "events", "outcomes", "learners"})
    errors += [_unknown(name, SourceMapping) for name in unknown]
    exposures = _part(plain.get("exposures"), Exposures, "exposures", errors)
    events = _parts(plain.get("events"), Events, "events", errors)
    outcomes = _parts(plain.get("outcomes"), Outcomes, "outcomes", errors)
    learners = _part(plain.get("learners"), Learners, "learners", errors)
    if not errors and not events and not outcomes:
        remedy = 'Name what learners did: {"table": ..., "learner": ..., "occurred_at": ...}.'
        errors.append(Misfit("events", "nothing", "a table of events or outcomes", remedy))
    if errors:
        return None, errors
    return SourceMapping(exposures, events, outcomes, learners), []


def _parts(plain: Any, model: type[Part], path: str, errors: list[Misfit]) -> tuple[Part, ...]:
    if plain is None:
        return ()
    if not isinstance(plain, list) or len(plain) > MAX_PARTS:
        expected = f"a list of at most {MAX_PARTS} tables"
        errors.append(Misfit(path, _shown(plain), expected, "Send a list."))
        return ()
    found = [_part(each, model, f"{path}[{at}]", errors) for at, each in enumerate(plain)]
    return tuple(part for part in found if part is not None)


def _part(plain: Any, model: type[Part], path: str, errors: list[Misfit]) -> Part | None:
    if plain is None:
        return None
    if not isinstance(plain, dict):
        remedy = 'For example {"table": "sales", "learner": "user_id"}.'
        errors.append(Misfit(path, _shown(plain), "an object", remedy))
        return None
    found = list(_field_errors(plain, model, path))
    if not found:
        found = [error for check in _CHECKS for error in check(plain, model, path)]
    errors += found
    return None if found else model(**{name: each for name, each in plain.items() if each})


def _field_errors(plain: Mapping[str, Any], model: type[Rows], path: str) -> list[Misfit]:
    known = {each.name: each for each in fields(model)}
    errors = []
    for name, value in plain.items():
        where = f"{path}.{name}"
        if name not in known:
            errors.append(_unknown(where, model))
        elif known[name].default is MISSING:
            errors += _translation_errors(value, where)
        elif value is not None and not _is_text(value, MAX_QUERY if name == "query" else MAX_NAME):
            expected = "a text" if name == "query" else f"a name of at most {MAX_NAME} characters"
            errors.append(Misfit(where, _shown(value), expected, "Check it."))
    return errors


def _translation_errors(value: Any, where: str) -> list[Misfit]:
    if value is None:
        return []
    if not isinstance(value, dict) or len(value) > MAX_NAMES:
        remedy = 'For example {"B": "badges"}.'
        expected = f"an object of at most {MAX_NAMES} names"
        return [Misfit(where, _shown(value), expected, remedy)]
    return [
        Misfit(f"{where}.{_shown(key)}", _shown(ours), "a name", "Say what it is here.")
        for key, ours in value.items()
        if not _is_text(ours, MAX_NAME) or not ours or not _is_text(key, MAX_NAME)
    ]


def _rows_errors(plain: Mapping[str, Any], _model: type[Rows], path: str) -> list[Misfit]:
    table, query = plain.get("table"), plain.get("query")
    if bool(table) == bool(query):
        found = "both" if table else "neither"
        remedy = 'Name a table ("schema.table"), or give one SELECT as query.'
        return [Misfit(f"{path}.table", found, "either a table or a query", remedy)]
    if table and not 1 <= len([each for each in str(table).split(".") if each]) <= 3:
        remedy = "For example analytics.assignments."
        return [Misfit(f"{path}.table", _shown(table), "one to three names", remedy)]
    return []


def _needed_errors(plain: Mapping[str, Any], model: type[Rows], path: str) -> list[Misfit]:
    needed: Sequence[str] = getattr(model, "NEEDED", ())
    remedy = "Name the column of the table that holds it."
    return [
        Misfit(f"{path}.{name}", "nothing", "the name of a column", remedy)
        for name in needed
        if not plain.get(name)
    ]


def _kind_errors(plain: Mapping[str, Any], model: type[Rows], path: str) -> list[Misfit]:
    pairs = {Events: ("kind", "constant_kind"), Outcomes: ("name", "constant_name")}
    if model not in pairs:
        return []
    column, constant = pairs[model]
    if bool(plain.get(column)) == bool(plain.get(constant)):
        found = "both" if plain.get(column) else "neither"
        remedy = f"Name the column that tells, or say with {constant} what every row is."
        expected = f"either {column} or {constant}"
        return [Misfit(f"{path}.{column}", found, expected, remedy)]
    return _unknown_kinds(plain, path)


def _unknown_kinds(plain: Mapping[str, Any], path: str) -> list[Misfit]:
    named = {
        f"{path}.kinds.{_shown(key)}": kind for key, kind in (plain.get("kinds") or {}).items()
    }
    if plain.get("constant_kind"):
        named[f"{path}.constant_kind"] = plain["constant_kind"]
    if plain.get("constant_name"):
        named[f"{path}.constant_name"] = f"outcome:{plain['constant_name']}"
    return [
        Misfit(where, _shown(kind), "a kind of event", "For example sale, or custom:call.")
        for where, kind in named.items()
        if not is_known(str(kind))
    ]


def _zone_errors(plain: Mapping[str, Any], _model: type[Rows], path: str) -> list[Misfit]:
    zone = plain.get("time_zone")
    if zone is None:
        return []
    try:
        ZoneInfo(str(zone))
    except (KeyError, ValueError, OSError):  # OSError: a zone's name that is a folder
        remedy = "For example Europe/Berlin."
        return [Misfit(f"{path}.time_zone", _shown(zone), "the name of a zone", remedy)]
    return []


_Check = Callable[[Mapping[str, Any], type[Rows], str], list[Misfit]]
_CHECKS: Final[tuple[_Check, ...]] = (_rows_errors, _needed_errors, _kind_errors, _zone_errors)


def _unknown(where: str, model: type[Any]) -> Misfit:
    known = ", ".join(each.name for each in fields(model))
    return Misfit(where, "a field that nothing reads", f"one of {known}", "Check it.")


def _is_text(value: Any, longest: int) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= longest
        and all(sign.isprintable() or sign in "\n\t\r" for sign in value)
    )


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 120 else text[:120] + "..."
