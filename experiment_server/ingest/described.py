"""The events API in OpenAPI's words. Only describes: ``standards.native`` reads, item by item."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from apiflask.scaffold import _annotate
from pydantic import BaseModel, Field

View = TypeVar("View", bound=Callable[..., Any])

Id = Annotated[str, Field(min_length=1, max_length=128)]
UnitId = Annotated[str, Field(min_length=1, max_length=256)]
Text = Annotated[str, Field(max_length=200)]
When = Annotated[
    datetime | int, Field(description="ISO 8601 with its zone, or milliseconds since 1970")
]


class ExposureAttributes(BaseModel):
    """What was true of the learner when it met its variant; others are not kept."""

    role: Text | None = None
    region: Text | None = None
    team: UnitId | None = None


class LearnerAttributes(ExposureAttributes):
    """What is true of a learner."""

    manager: UnitId | None = Field(
        default=None, description="Whom they report to, as a learner's id"
    )
    started_on: date | None = Field(default=None, description="First working day")


class ExposureItem(BaseModel):
    """A learner met its variant."""

    type: Literal["exposure"]
    id: Id = Field(description="Of your making; the same id again is stored once")
    experiment: Id
    variant: Id
    learner: UnitId
    unit: UnitId | None = Field(
        default=None, description="The team; only where teams are randomised"
    )
    at: When
    attributes: ExposureAttributes | None = None


class EventItem(BaseModel):
    """A learner did something."""

    type: Literal["event"]
    id: Id
    kind: Id = Field(description="challenge_completed, sale, ... or custom:<name>")
    learner: UnitId
    at: When
    value: float | None = Field(default=None, ge=-1e15, le=1e15)
    properties: dict[str, Any] | None = Field(
        default=None, description="At most 32 KB; activity, topic, course and step have a meaning"
    )


class LearnerItem(BaseModel):
    """What is true of a learner from a time on; needs a server key."""

    type: Literal["learner"]
    id: Id
    learner: UnitId
    at: When
    attributes: LearnerAttributes


class OutcomeItem(BaseModel):
    """What a learner's business counted on one day; the value received last counts."""

    id: Id | None = Field(
        default=None,
        description="Of your making: the same id again changes nothing, ever. Without it, only the "
        "value that is current already changes nothing",
    )
    learner: UnitId
    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="sales, quota_attainment ...; metrics count it as outcome:<name>"
    )
    day: date
    value: float = Field(ge=-1e15, le=1e15)


class OutcomeBatch(BaseModel):
    """Up to a thousand outcomes; a bad one is refused by itself."""

    items: list[OutcomeItem] = Field(min_length=1, max_length=1_000)


class Batch(BaseModel):
    """Up to a thousand items; a bad one is refused by itself."""

    items: list[ExposureItem | EventItem | LearnerItem] = Field(min_length=1, max_length=1_000)


class RefusalView(BaseModel):
    """Why one item was not taken."""

    index: int = Field(description="Position in the batch, from 0")
    id: str | None
    field: str
    reason: str
    remedy: str


class ReceiptView(BaseModel):
    """What became of a batch; the accepted items are durable."""

    accepted: int
    duplicates: int = Field(description="Received before, or twice in this batch: stored once")
    refused: list[RefusalView]


def takes(model: type[BaseModel]) -> Callable[[View], View]:
    """Describe a route's body as ``model`` without letting the framework parse it first.

    The framework would refuse a whole batch for one bad item.
    """

    def describe(view: View) -> View:
        _annotate(view, body=model, body_example=None, body_examples=None)
        _annotate(view, content_type="application/json")
        return view

    return describe
