"""The form of a metric: from what people type to a definition, with errors beside the fields."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from analysis.metrics import METRIC_KINDS
from dashboards.metric_views import FieldGroup, FormField
from dashboards.metric_words import DIRECTIONS, KIND_TITLES
from experiment_server.metrics.api import MetricBody, NewMetricBody
from experiment_server.metrics.checks import value_errors
from experiment_server.problems import FieldError, from_validation

MOST_TEXT: Final = 20_000  # of one field; what is longer is refused by the definition anyway
CAN_CAP: Final = tuple(kind.name for kind in METRIC_KINDS if kind.can_cap)

KEY: Final = FormField(
    "key",
    "Key",
    "Lower-case letters, digits and - _ . between them. Experiments and programs name the metric "
    "by it, so it never changes.",
    required=True,
)
GROUPS: Final = (
    FieldGroup(
        "What it is",
        (
            FormField("title", "Title", "As people read it in reports.", required=True),
            FormField("description", "Description", "What it counts, and why it matters."),
            FormField("unit_label", "Unit", "Such as sales, EUR or points."),
        ),
    ),
    FieldGroup(
        "How it is computed",
        (
            FormField(
                "kind",
                "Kind",
                "How a learner's events become one number.",
                kind="choice",
                options=tuple(
                    (kind.name, f"{KIND_TITLES[kind.name]} ({kind.name})") for kind in METRIC_KINDS
                ),
                required=True,
            ),
            FormField(
                "event_kinds",
                "Events",
                "One a line: what is counted, added up or looked for; of a ratio or rate: above "
                "the line. Retention and active days may leave it empty: then every activity "
                "counts. A score takes none.",
                kind="lines",
            ),
            FormField(
                "denominator_kinds",
                "Events below the line",
                "One a line. Only of a ratio or rate.",
                kind="lines",
                only=("ratio", "rate"),
            ),
            FormField(
                "quantile",
                "Quantile",
                "Only of a quantile: between 0 and 1; 0.5 is the median.",
                kind="number",
                only=("quantile",),
            ),
            FormField(
                "window_days",
                "Window, in days",
                "How long after its first exposure a learner is measured, 1 to 365. The window "
                "before it is as long.",
                kind="number",
                required=True,
            ),
        ),
    ),
    FieldGroup(
        "How it is judged",
        (
            FormField(
                "direction",
                "Better is",
                "Which way an effect has to go to be good.",
                kind="choice",
                options=tuple(DIRECTIONS.items()),
                required=True,
            ),
            FormField(
                "minimum_effect",
                "Smallest effect that matters",
                "In the metric's unit; of a share 0.02 is two points in a hundred. Decisions and "
                "planned sizes are made with it.",
                kind="number",
            ),
            FormField(
                "covariate",
                "Adjusted by",
                "The same measure in the window before, or what a model of the two windows before "
                "predicts; the model is for learners and metrics of one number only.",
                kind="choice",
                options=(("window", "The window before"), ("model", "A model's prediction")),
                required=True,
            ),
        ),
    ),
    FieldGroup(
        "Outcomes far out",
        (
            FormField(
                "floor", "Floor", "A learner's outcomes below are set to it.", "", "number", (),
                CAN_CAP,
            ),
            FormField(
                "cap", "Cap", "A learner's outcomes above are set to it.", "", "number", (),
                CAN_CAP,
            ),
            FormField(
                "cap_quantile",
                "Cap at a quantile",
                "Instead of a cap, such as 0.99: the cap is that quantile of all variants "
                "together.",
                kind="number",
                only=CAN_CAP,
            ),
        ),
    ),
)  # fmt: skip
FIELDS: Final = {one.name: one for group in GROUPS for one in group.fields}
DEFAULTS: Final = {
    "kind": "count",
    "direction": "increase",
    "window_days": "28",
    "covariate": "window",
}


@dataclass(frozen=True)
class Typed:
    """What somebody typed, and what it means."""

    texts: Mapping[str, str]
    values: dict[str, Any] | None  # None: it has not the shape of a metric
    errors: tuple[FieldError, ...] = ()


def read_form(form: Mapping[str, str], is_new: bool) -> Typed:
    """What the fields of a sent form mean.

    Args:
        form: field -> text; what is absent is empty.
        is_new: it also has a key.
    """
    names = [*(["key"] if is_new else []), *FIELDS]
    texts = {name: form.get(name, "")[:MOST_TEXT] for name in names}
    raw = {name: _value(name, text) for name, text in texts.items()}
    given = {name: value for name, value in raw.items() if value is not None}
    model = NewMetricBody if is_new else MetricBody
    try:
        return Typed(texts, model.model_validate(given).model_dump())
    except ValidationError as error:
        misshapen = from_validation(error).errors
        return Typed(texts, None, (*misshapen, *_also_wrong(given, misshapen)))


def texts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """A definition as the form shows it."""
    return {name: _text(values.get(name)) for name in FIELDS}


def groups_of(
    texts: Mapping[str, str], errors: Iterable[FieldError] = (), *, is_new: bool
) -> tuple[FieldGroup, ...]:
    """The form's fields with what was typed and what is wrong with it."""
    told: dict[str, list[str]] = {}
    for error in errors:
        name = error.field.partition("[")[0]
        told.setdefault(name, []).append(
            f"Found {error.found}, expected {error.expected}. {error.remedy}"
        )

    def filled(field: FormField) -> FormField:
        said = " ".join(told.get(field.name, ()))
        return replace(field, value=texts.get(field.name, ""), error=said)

    first = replace(GROUPS[0], fields=(KEY, *GROUPS[0].fields)) if is_new else GROUPS[0]
    return tuple(
        replace(group, fields=tuple(filled(field) for field in group.fields))
        for group in (first, *GROUPS[1:])
    )


def _also_wrong(given: Mapping[str, Any], known: Iterable[FieldError]) -> list[FieldError]:
    """What else does not fit, so that nobody mends one field to be told of the next."""
    wrong = {error.field.partition("[")[0] for error in known}
    rest = {name: value for name, value in given.items() if name in FIELDS and name not in wrong}
    if "kind" in wrong:
        return []
    try:
        values = MetricBody.model_validate({"title": "none", **rest}).model_dump()
    except ValidationError:
        return []
    return [error for error in value_errors(values) if error.field.partition("[")[0] not in wrong]


def _value(name: str, text: str) -> Any:
    text = text.strip()
    if name != "key" and FIELDS[name].kind == "lines":
        return [part for line in text.replace(",", "\n").splitlines() if (part := line.strip())]
    if text == "" and name not in ("title", "description", "unit_label", "key"):
        return None
    if name != "key" and FIELDS[name].kind == "number":
        return _number(text)
    return text


def _number(text: str) -> float | int | str:
    """The number that somebody typed; text that is none is left for the definition to refuse."""
    try:
        return int(text) if text.lstrip("+-").isdigit() and len(text) < 20 else float(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(str(each) for each in value)
    return f"{value:.15g}" if isinstance(value, float) else str(value)
