"""Answer: what a learning question gets, one sentence first, then charts, table and method."""

from dataclasses import asdict, dataclass
from typing import Any

ANSWER_FORMAT = 1


@dataclass(frozen=True)
class ChartData:
    """The rows that one chart draws."""

    chart: str  # a row of dashboards.charts.CHARTS
    title: str
    rows: tuple[dict[str, Any], ...]
    alternative: str  # what the chart shows, in words, for who cannot see it


@dataclass(frozen=True)
class TableData:
    """The numbers behind the charts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Answer:
    """The answer to one of the five questions."""

    question: str  # a row of analysis.learning.QUESTIONS
    title: str  # the question, as people ask it
    sentence: str
    charts: tuple[ChartData, ...]
    table: TableData | None
    how: str  # how it was computed, for who wants to know
    caution: str = ""  # "association, not effect" and the like

    def to_json(self) -> dict[str, Any]:
        """The answer as plain JSON values."""
        return {"format": ANSWER_FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "Answer":
        """The answer that ``to_json`` wrote.

        Raises:
            ValueError: the format is not the one this version reads.
        """
        if plain.get("format") != ANSWER_FORMAT:
            raise ValueError(f"answer format: {plain.get('format')!r}, expected {ANSWER_FORMAT}")
        values = {name: value for name, value in plain.items() if name != "format"}
        values["charts"] = tuple(
            ChartData(**{**chart, "rows": tuple(chart["rows"])}) for chart in values["charts"]
        )
        if values["table"] is not None:
            values["table"] = TableData(
                columns=tuple(values["table"]["columns"]),
                rows=tuple(tuple(row) for row in values["table"]["rows"]),
            )
        return cls(**values)
