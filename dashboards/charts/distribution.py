"""How a metric is spread over learners."""

from typing import Any

import altair as alt

from dashboards import formats
from dashboards.charts.marks import Row, Rows, data, finish
from dashboards.theme import INK, SERIES, Layout


def distribution(rows: Rows, layout: Layout) -> alt.LayerChart:
    """Rows: {low, high (None: and all above), n, unit, mean}; in order, steps of one width."""
    shown = [_described(row, rows) for row in rows]
    unit = str(rows[0].get("unit") or "")
    base = alt.Chart(data(shown)).encode(description="about:N")
    position = alt.X(
        "from:Q",
        title=unit[:1].upper() + unit[1:] if unit else "Outcome",
        scale=alt.Scale(nice=False, zero=False),
        axis=alt.Axis(grid=False),
    )
    bars = base.mark_rect(cornerRadius=1).encode(
        x=position,
        x2="to:Q",
        y=alt.Y("n:Q", title="Learners", axis=alt.Axis(tickMinStep=1)),
        y2=alt.datum(0),
        color=alt.Color(
            "tail:N",
            scale=alt.Scale(domain=[False, True], range=[SERIES[0], SERIES[1]]),
            legend=None,
        ),
    )
    mean = alt.Chart(data([{"mean": rows[0]["mean"], "about": _said_of_mean(rows[0])}]))
    line = mean.mark_rule(color=INK, strokeWidth=2, strokeDash=[4, 3]).encode(
        x="mean:Q", description="about:N"
    )
    return finish(alt.layer(bars, line), layout, 180)


def _described(row: Row, rows: Rows) -> dict[str, Any]:
    width = rows[0]["high"] - rows[0]["low"] if rows[0]["high"] is not None else 1.0
    high = row["low"] + width if row["high"] is None else row["high"]
    gap = width * 0.04
    # A whole number's bar stands over its number; a step's bar from its beginning to its end.
    shift = 0.5 if all(_is_whole(each) for each in rows) else 0.0
    learners = formats.counted(row["n"], "learner")
    low = formats.number(row["low"])
    if row["high"] is None:
        span = f"{low} and above"
    elif shift:
        span = low
    else:
        span = f"{low} to below {formats.number(row['high'])}"
    return {
        "from": row["low"] + gap - shift,
        "to": high - gap - shift,
        "n": row["n"],
        "tail": row["high"] is None,
        "about": f"{span}: {learners}",
    }


def _is_whole(row: Row) -> bool:
    low, high = row["low"], row["high"]
    return bool(low == round(low) and (high is None or high - low == 1))


def _said_of_mean(row: Row) -> str:
    return f"The mean: {formats.number(row['mean'])}"
