"""Draws rows of horizontal bars or dots, once for wide screens and once for narrow ones.

All charts of the reports have this one form, so that a reader learns it once: a row per thing, a
panel per measure, the number written where the bar ends. Wide screens have the names on the left,
narrow ones above the bars.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import plotly.graph_objects as go

from orchestrate.reports.embedded import script_json
from orchestrate.reports.scales import fitting, text_width, ticks
from orchestrate.reports.text import chart_label

# Okabe and Ito's palette, which stays distinct under the common kinds of colour blindness.
# The orange is darker than theirs, so that it stands out against white, too.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#C97B00", "#009E73", "#D55E00"
GREY, PALE = "#9AA5B1", "#E1E6EB"
_INK, _MUTED, _GRID, _GREY_LINE = "#1F2933", "#52606D", "#E9EDF1", "#7B8794"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# Nothing leaves the page: no logo, no "share" upload, no formulas typeset by a foreign script.
CONFIG = {
    "displaylogo": False,
    "displayModeBar": False,
    "showSendToCloud": False,
    "typesetMath": False,
    "showLink": False,
    "responsive": True,
    "doubleClick": False,
}

# Widths in pixels of the least room that each form gets, which labels are planned for; casebook.js
# and casebook.css change from one form to the other at the first.
_WIDE, _NARROW = 900, 288
_NAMES_WIDE, _NAMES_NARROW = 300, 270  # the most that a name takes, in pixels


@dataclass(frozen=True)
class Series:
    """One colour of bars (stacked on the series before it) or dots, a value per row, None for null.

    `low` and `high` (dots only) are the ends of an interval around each value. `hover` is what a
    pointer shows, one text per row.
    """

    name: str
    values: Sequence[float | None]
    color: str | Sequence[str]
    hover: Sequence[str]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


@dataclass(frozen=True)
class Panel:
    """A measure: its series, the text at the end of each row, and its share of the width.

    `narrow_labels` stand in for `labels` on narrow screens.
    """

    title: str
    series: Sequence[Series]
    labels: Sequence[str]
    narrow_labels: Sequence[str] = ()
    weight: float = 1.0
    tick_suffix: str = ""
    tick_prefix: str = ""
    dots: bool = False


@dataclass(frozen=True)
class Drawing:
    """A chart ready for the page: figures for both widths as JSON, and what the page says of it."""

    rows: int
    wide_height: int
    narrow_height: int
    payload: str
    legend: Sequence[tuple[str, str]] = field(default_factory=tuple)


def drawing(
    names: Sequence[str],
    panels: Sequence[Panel],
    legend: Sequence[tuple[str, str]] = (),
    narrow_names: Sequence[str] | None = None,
    *,
    same_scale: bool = False,
) -> Drawing:
    """Draw one row per name with all panels; `legend` lists (colour, meaning).

    On narrow screens `narrow_names`, where given, stand above the bars in place of `names`.
    `same_scale`: panels of one width measure the same, so that bars can be compared across them.
    """
    wide = _figure(names, panels, narrow=False, same_scale=same_scale)
    narrow = _figure(
        narrow_names or names,
        [replace(panel, labels=panel.narrow_labels or panel.labels) for panel in panels],
        narrow=True,
        same_scale=same_scale,
    )
    return figures_drawing(len(names), wide, narrow, legend)


def figures_drawing(
    rows: int, wide: go.Figure, narrow: go.Figure, legend: Sequence[tuple[str, str]] = ()
) -> Drawing:
    """Make a chart of two figures with heights, for wide and for narrow screens."""
    payload = script_json(
        {
            "config": CONFIG,
            "wide": json.loads(wide.to_json()),
            "narrow": json.loads(narrow.to_json()),
        }
    )
    return Drawing(
        rows=rows,
        wide_height=int(wide.layout.height),
        narrow_height=int(narrow.layout.height),
        payload=payload,
        legend=tuple(legend),
    )


def plain_layout(height: int, margin: dict[str, int]) -> dict[str, object]:
    """Return what all charts have in common: fonts, colours, no dragging, no legend of plotly's."""
    return {
        "template": "none",
        "height": height,
        "margin": {**margin, "autoexpand": False},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "font": {"family": _FONT, "size": 12, "color": _INK},
        "hoverlabel": {"bgcolor": "#FFFFFF", "bordercolor": _GREY_LINE, "font": {"color": _INK}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }


def _figure(
    names: Sequence[str], panels: Sequence[Panel], *, narrow: bool, same_scale: bool
) -> go.Figure:
    rows = list(range(len(names)))
    row_height, bottom = (44, 4) if narrow else (26, 4)
    left = 14 if narrow else _left_margin(names)
    width = (_NARROW if narrow else _WIDE) - left
    domains = _domains(panels)
    titles = [
        _title(panel.title, start, (end - start) * width)
        for panel, (start, end) in zip(panels, domains, strict=True)
    ]
    top = 30 + 16 * max(str(title["text"]).count("<br>") + 1 for title in titles)
    figure = go.Figure()
    layout: dict[str, object] = {
        **plain_layout(
            top + bottom + row_height * max(len(names), 1),
            {"l": left, "r": 4, "t": top, "b": bottom},
        ),
        "barmode": "stack",
        "bargap": 0.6 if narrow else 0.34,
        "yaxis": {
            "range": [max(len(names), 1) - 0.5, -0.8 if narrow else -0.5],
            "tickvals": rows,
            "ticktext": [chart_label(fitting(name, _NAMES_WIDE)) for name in names],
            "showticklabels": not narrow,
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "ticklen": 6,
            "tickcolor": "rgba(0,0,0,0)",
        },
    }
    for index, (panel, domain) in enumerate(zip(panels, domains, strict=True)):
        key = "" if index == 0 else str(index + 1)
        peers = panels if same_scale else [panel]
        layout[f"xaxis{key}"] = _axis(panel, peers, domain, width, narrow=narrow)
        for series in panel.series:
            figure.add_trace(_trace(series, rows, f"x{key}", panel, narrow=narrow))
        figure.add_trace(_labels(panel, rows, f"x{key}"))
    if narrow:
        figure.add_trace(_names_above(names, rows))
    figure.update_layout(**layout, annotations=titles)
    return figure


def _axis(
    panel: Panel,
    peers: Sequence[Panel],
    domain: tuple[float, float],
    width: float,
    *,
    narrow: bool,
) -> dict[str, object]:
    """Return an x axis with room for the labels to the right of the longest bar of all peers."""
    pixels = (domain[1] - domain[0]) * width
    lows, highs = zip(*map(_extent, peers), strict=True)
    low, high = min(lows), max(highs)
    room = max((text_width(label) for one in peers for label in one.labels), default=0) + 10
    usable = max(pixels - room, 0.3 * pixels)
    values = ticks(low, high, 4 if usable > 240 else 2 if usable > 90 else 1)
    return {
        "domain": list(domain),
        "range": [low, low + (high - low) * pixels / usable],
        "side": "top",
        "tickvals": values,
        "ticktext": [_tick(value, panel) for value in values],
        "tickfont": {"color": _MUTED, "size": 11},
        "gridcolor": _GRID,
        # Names stand above the bars on narrow screens, where lines would cross them.
        "showgrid": not narrow,
        "zeroline": not panel.dots and not narrow,
        "zerolinecolor": _GREY_LINE,
        "fixedrange": True,
    }


def _tick(value: float, panel: Panel) -> str:
    number = f"{value / 1e6:g}M" if value >= 1e6 else f"{value:,.10g}"
    return chart_label(f"{panel.tick_prefix}{number}{panel.tick_suffix}")


def _trace(
    series: Series, rows: Sequence[int], axis: str, panel: Panel, *, narrow: bool
) -> go.Bar | go.Scatter:
    color = series.color if isinstance(series.color, str) else list(series.color)
    shared = {
        "y": list(rows),
        "x": list(series.values),
        "xaxis": axis,
        "name": chart_label(series.name),
        "hovertext": [chart_label(text) for text in series.hover],
        "hoverinfo": "text",
    }
    if not panel.dots:
        # What is pale has an edge to be seen by.
        edge = {"width": 1 if color == PALE else 0, "color": _GREY_LINE}
        return go.Bar(**shared, orientation="h", marker={"color": color, "line": edge})
    pairs = list(zip(series.values, series.low, series.high, strict=True))
    return go.Scatter(
        **shared,
        mode="markers",
        cliponaxis=False,
        marker={"color": color, "size": 9},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [_distance(value, high) for value, _, high in pairs],
            "arrayminus": [_distance(low, value) for value, low, _ in pairs],
            "color": _GREY_LINE,
            "thickness": 2,
            "width": 0 if narrow else 3,
        },
    )


def _labels(panel: Panel, rows: Sequence[int], axis: str) -> go.Scatter:
    """Write each row's number where its bar ends: quick, where hundreds of annotations are not."""
    space = "\u00a0\u00a0"
    return _text_trace(
        x=_ends(panel), y=list(rows), text=panel.labels, axis=axis, color=_MUTED, space=space
    )


def _names_above(names: Sequence[str], rows: Sequence[int]) -> go.Scatter:
    return _text_trace(
        x=[0.0] * len(rows),
        y=[row - 0.42 for row in rows],
        text=[chart_label(fitting(name, _NAMES_NARROW)) for name in names],
        axis="x",
        color=_INK,
        escaped=True,
    )


def _text_trace(
    *,
    x: Sequence[float],
    y: Sequence[float],
    text: Sequence[str],
    axis: str,
    color: str,
    space: str = "",
    escaped: bool = False,
) -> go.Scatter:
    return go.Scatter(
        x=list(x),
        y=list(y),
        xaxis=axis,
        mode="text",
        text=[space + (part if escaped else chart_label(part)) for part in text],
        textposition="middle right",
        textfont={"color": color, "size": 12},
        hoverinfo="skip",
        cliponaxis=False,
    )


def _ends(panel: Panel) -> list[float]:
    """Return where each row's marks end: the stack's sum, or the interval's upper end."""
    if panel.dots:
        (series,) = panel.series
        pairs = zip(series.values, series.high, strict=True)
        return [max(value or 0.0, high or 0.0) for value, high in pairs]
    columns = zip(*(series.values for series in panel.series), strict=True)
    return [sum(value or 0.0 for value in column) for column in columns]


def _extent(panel: Panel) -> tuple[float, float]:
    """Return the ends of a panel's scale: bars start at 0, dots a little below the lowest."""
    high = max(_ends(panel), default=0.0)
    lows = [low for series in panel.series for low in series.low if low is not None]
    if not lows:
        return 0.0, high if high > 0 else 1.0
    margin = 0.1 * (high - min(lows)) or 1.0
    return max(min(lows) - margin, 0.0), high


def _distance(start: float | None, end: float | None) -> float:
    return 0.0 if start is None or end is None else max(end - start, 0.0)


def _title(title: str, start: float, pixels: float) -> dict[str, object]:
    lines = textwrap.wrap(title, max(int(pixels / 6.4), 8))
    return {
        "text": "<br>".join(chart_label(line) for line in lines),
        "x": start,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 22,
        "align": "left",
        "showarrow": False,
        "font": {"size": 12, "color": _INK},
    }


def _domains(panels: Sequence[Panel]) -> list[tuple[float, float]]:
    gap = 0.03
    scale = (1 - gap * (len(panels) - 1)) / sum(panel.weight for panel in panels)
    domains, start = [], 0.0
    for panel in panels:
        end = start + panel.weight * scale
        domains.append((start, min(end, 1.0)))
        start = end + gap
    return domains


def _left_margin(names: Sequence[str]) -> int:
    return int(max((text_width(fitting(name, _NAMES_WIDE)) for name in names), default=0)) + 14
