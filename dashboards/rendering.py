"""render(view) -> html: one template a view, everything escaped unless it was drawn here."""

from functools import cache
from hashlib import blake2s
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis.answers import ChartData, TableData
from analysis.results import NotEstimable
from dashboards import (
    across_words,
    benefit_words,
    cost_words,
    design_words,
    drawing,
    formats,
    further,
    metric_words,
    readout_charts,
    words,
)
from dashboards.metric_views import (
    MetricFormView,
    MetricPage,
    MetricsView,
    MetricView,
    ScoresView,
)
from dashboards.views import (
    AcrossView,
    ErrorView,
    ExperimentsView,
    FlagsView,
    QuarantineView,
    QuestionsView,
    ReadoutView,
    ReportsView,
    ReportView,
    SignInView,
    SourcesView,
    View,
)

STATIC_DIR: Final = Path(__file__).parent / "static"

TEMPLATES: Final[dict[type[View | MetricPage], str]] = {
    SignInView: "sign_in.html",
    ErrorView: "error.html",
    ExperimentsView: "experiments.html",
    ReadoutView: "readout.html",
    QuestionsView: "questions.html",
    AcrossView: "across.html",
    FlagsView: "flags.html",
    ReportsView: "reports.html",
    ReportView: "report.html",
    QuarantineView: "quarantine.html",
    SourcesView: "sources.html",
    MetricsView: "metrics.html",
    MetricView: "metric.html",
    MetricFormView: "metric_form.html",
    ScoresView: "scores.html",
}

NOT_NUMBERS: Final = frozenset({"increase_is_good", "minimum_effect", "unit"})
SHARES: Final = frozenset(
    {"predicted", "observed", "share", "reach", "repeat_rate", "difference", "survival"}
)


def render(view: View | MetricPage) -> str:
    """The page that shows a view."""
    template = _environment().get_template(TEMPLATES[type(view)])
    return template.render(view=view, navigation=view.navigation)


def chart_svg(chart: ChartData) -> dict[str, Markup]:
    """The chart's drawings by layout name. They are ours: Vega escaped whatever the rows said."""
    return {name: Markup(svg) for name, svg in drawing.draw(chart).items()}  # noqa: S704


def chart_table(chart: ChartData) -> TableData:
    """The numbers behind a chart, as people read them."""
    names = [name for name in chart.rows[0] if name not in NOT_NUMBERS] if chart.rows else []
    shares = SHARES | {"low", "high"} if SHARES & set(names) else SHARES
    rows = tuple(
        tuple(_cell(name, row.get(name), name in shares) for name in names) for row in chart.rows
    )
    return TableData(tuple(formats.heading(name) for name in names), rows)


def static_url(name: str) -> str:
    """The address of a static file; it changes when the file does, so browsers may keep it."""
    return f"/static/{name}?v={_fingerprint(name)}"


def _cell(name: str, value: Any, is_share: bool) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool) and is_share:
        return formats.percent(value, 1)
    if name in ("day", "cohort") or (name == "week" and isinstance(value, str)):
        return formats.date(value)
    return formats.plain(value)


@cache
def _fingerprint(name: str) -> str:
    return blake2s((STATIC_DIR / name).read_bytes(), digest_size=6).hexdigest()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dashboards"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        formats=formats,
        words=words,
        across_words=across_words,
        benefit_words=benefit_words,
        further=further,
        cost_words=cost_words,
        design_words=design_words,
        charts=readout_charts,
        metric_words=metric_words,
        chart_svg=chart_svg,
        chart_table=chart_table,
        static_url=static_url,
    )
    environment.tests["not_estimable"] = lambda value: isinstance(value, NotEstimable)
    return environment
