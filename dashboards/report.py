"""ReportBody: a stored report, frozen, versioned, JSON both ways, and as plain text."""

from dataclasses import asdict, dataclass
from textwrap import fill
from typing import Any

from analysis.answers import ChartData, TableData

REPORT_FORMAT = 1
TEXT_WIDTH = 78


@dataclass(frozen=True)
class ReportSection:
    """One part of a report: sentences first, then the chart, then the table."""

    title: str
    sentences: tuple[str, ...]
    verdict: str = ""  # of an experiment: a value of analysis.results.Verdict
    path: str = ""  # the page on this server that shows more
    charts: tuple[ChartData, ...] = ()
    table: TableData | None = None


@dataclass(frozen=True)
class ReportBody:
    """What happened in one period, for people."""

    title: str
    rhythm: str  # weekly
    environment: str  # key
    period_start: str  # ISO time, UTC
    period_end: str
    summary: str  # the report in one or two sentences
    sections: tuple[ReportSection, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {"format": REPORT_FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> "ReportBody":
        """The report that ``to_json`` wrote.

        Raises:
            ValueError: the format is not the one this version reads.
        """
        if plain.get("format") != REPORT_FORMAT:
            raise ValueError(
                f"report format: found {plain.get('format')!r}, expected {REPORT_FORMAT}"
            )
        values = {name: value for name, value in plain.items() if name != "format"}
        values["sections"] = tuple(_section_from_json(section) for section in values["sections"])
        return cls(**values)


def render_text(report: ReportBody, base_url: str = "") -> str:
    """The report as plain text, for e-mail, chat and the log."""
    period = f"{report.period_start[:10]} to {report.period_end[:10]}"
    parts = [report.title, "=" * len(report.title), period, "", fill(report.summary, TEXT_WIDTH)]
    for section in report.sections:
        heading = f"{section.verdict}: {section.title}" if section.verdict else section.title
        parts += ["", heading, "-" * len(heading)]
        parts += [fill(sentence, TEXT_WIDTH) for sentence in section.sentences]
        if section.path and base_url:
            parts.append(f"{base_url.rstrip('/')}{section.path}")
    return "\n".join(parts) + "\n"


def _section_from_json(plain: dict[str, Any]) -> ReportSection:
    charts = tuple(
        ChartData(**{**chart, "rows": tuple(chart["rows"])}) for chart in plain["charts"]
    )
    table = plain["table"]
    if table is not None:
        table = TableData(
            columns=tuple(table["columns"]), rows=tuple(tuple(row) for row in table["rows"])
        )
    return ReportSection(
        **{**plain, "sentences": tuple(plain["sentences"]), "charts": charts, "table": table}
    )
