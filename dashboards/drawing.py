"""From a chart's rows to SVG inside the page: no script, no network, both colour schemes."""

from functools import lru_cache
from hashlib import blake2s
from json import dumps, loads
from re import sub
from typing import Any

from analysis.answers import ChartData
from dashboards.theme import COLOURS, LAYOUTS

DRAWINGS_KEPT = 512


def draw(chart: ChartData) -> dict[str, str]:
    """The chart as SVG text, one for each layout's name; empty without rows."""
    if not chart.rows:
        return {}
    rows = dumps(chart.rows, sort_keys=True, default=str)
    return {
        layout.name: _for_a_page(_draw(chart.chart, rows, layout.name), f"{chart.title} {layout}")
        for layout in LAYOUTS
    }


@lru_cache(maxsize=DRAWINGS_KEPT)
def _draw(chart: str, rows: str, layout_name: str) -> str:
    import vl_convert  # both take a second to import, and a page without charts needs neither

    from dashboards.charts import specification

    layout = next(layout for layout in LAYOUTS if layout.name == layout_name)
    plain: list[dict[str, Any]] = loads(rows)
    return str(vl_convert.vegalite_to_svg(specification(chart, plain, layout)))


def _for_a_page(svg: str, title: str) -> str:
    """The drawing with the page's colours, its own names, and a size that the stylesheet gives."""
    name = blake2s(f"{title} {svg}".encode(), digest_size=6).hexdigest()
    for colour in COLOURS:
        svg = svg.replace(f'"{colour.light}"', f'"var(--chart-{colour.name})"')
    svg = sub(r'id="([^"]+)"', rf'id="c{name}-\1"', svg)
    svg = sub(r"url\(#([^)]+)\)", rf"url(#c{name}-\1)", svg)
    return sub(r'(<svg[^>]*?) width="[^"]+" height="[^"]+"', r'\1 focusable="false"', svg, count=1)
