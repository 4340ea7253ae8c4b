"""Charts with two dimensions: a heat map of areas against procedures, and places on a map."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from orchestrate.reports.charts import (
    BLUE,
    GREY,
    PALE,
    VERMILION,
    Drawing,
    figures_drawing,
    plain_layout,
)
from orchestrate.reports.rows import records
from orchestrate.reports.scales import fitting
from orchestrate.reports.text import (
    as_float,
    chart_label,
    decimal,
    integer,
    rounded_or_hidden,
    short_name,
)

# White where observed and expected agree; both ends stay distinct under colour blindness.
_SCALE = [[0.0, VERMILION], [0.5, "#FFFFFF"], [1.0, BLUE]]
# Beyond this many standard deviations the colour says no more than "far".
_ENDS = 5.0
_DEGREES_PER_KM = 1 / 111.195


def residual_figure(pairs: pd.DataFrame, counties: Sequence[str]) -> Drawing:
    """Draw adjusted residuals, a row per procedure and a column per county; a star is notable.

    What is not tested has no colour of the scale: the grey behind it shows, not white.
    `pairs` has a row per procedure and county, procedures in the order in which they are drawn.
    """
    rows = {(row["procedure_name"], row["county"]): row for row in records(pairs)}
    procedures = list(dict.fromkeys(name for name, _ in rows))
    cells = [[rows.get((name, county)) for county in counties] for name in procedures]

    def figure(*, narrow: bool) -> go.Figure:
        left, height = (130, 44) if narrow else (330, 28)
        # On narrow screens the names of counties stand upright, since columns are slim.
        top, room = (110, 96) if narrow else (56, 560 / max(len(counties), 1))
        names = [chart_label(fitting(short_name(name), left - 12)) for name in procedures]
        figure = go.Figure(
            go.Heatmap(
                z=[
                    [as_float(cell["adjusted_residual"]) if cell else None for cell in line]
                    for line in cells
                ],
                x=list(range(len(counties))),
                y=list(range(len(procedures))),
                text=[[_mark(cell) for cell in line] for line in cells],
                texttemplate="%{text}",
                hovertext=[[_hover(cell) for cell in line] for line in cells],
                hoverinfo="text",
                colorscale=_SCALE,
                zmin=-_ENDS,
                zmax=_ENDS,
                showscale=False,
                xgap=2,
                ygap=2,
            )
        )
        figure.update_layout(
            **(
                plain_layout(
                    top + 4 + height * max(len(procedures), 1),
                    {"l": left, "r": 4, "t": top, "b": 4},
                )
                | {"plot_bgcolor": PALE}
            ),
            xaxis={
                "side": "top",
                "fixedrange": True,
                "showgrid": False,
                "zeroline": False,
                "tickangle": -90 if narrow else 0,
                "tickvals": list(range(len(counties))),
                "ticktext": [
                    chart_label(fitting(county.removesuffix(" County"), room))
                    for county in counties
                ],
            },
            yaxis={
                "tickvals": list(range(len(procedures))),
                "ticktext": names,
                "range": [len(procedures) - 0.5, -0.5],
                "fixedrange": True,
                "showgrid": False,
                "zeroline": False,
            },
        )
        return figure

    return figures_drawing(
        len(procedures),
        figure(narrow=False),
        figure(narrow=True),
        [
            (BLUE, "more patients than expected"),
            (VERMILION, "fewer than expected; a star marks a notable pair"),
            (PALE, "not tested"),
        ],
    )


def cluster_figure(clusters: pd.DataFrame) -> Drawing:
    """Draw clusters where they are: north up, equal scales, the area of a circle by patients."""
    rows = records(clusters)

    def figure(*, narrow: bool) -> go.Figure:
        width, height = (288, 340) if narrow else (900, 520)
        # Room for half of the last longitude on the right.
        left, right, bottom = 62, 28, 44
        middle = _middle([row["centroid_latitude"] for row in rows])
        stretch = 1 / max(math.cos(math.radians(middle)), 0.01)
        spans = _window(rows, (width - left - right) / (height - bottom - 20), stretch)
        figure = go.Figure(
            go.Scatter(
                x=[row["centroid_longitude"] for row in rows],
                y=[row["centroid_latitude"] for row in rows],
                mode="markers+text",
                text=[group_name(row["cluster_id"]) for row in rows],
                textposition="middle center",
                hovertext=[_cluster_hover(row) for row in rows],
                hoverinfo="text",
                marker={
                    "size": [8 + 4 * math.sqrt(row["patient_count"]) for row in rows],
                    "color": [BLUE if row["is_near_clients"] else GREY for row in rows],
                    "opacity": 0.55,
                    "line": {"width": 1, "color": "#1F2933"},
                },
            )
        )
        figure.update_layout(
            **plain_layout(height, {"l": left, "r": right, "t": 20, "b": bottom}),
            xaxis={
                "title": {"text": "longitude"},
                "range": spans[0],
                "fixedrange": True,
                "zeroline": False,
                "gridcolor": "#E9EDF1",
                "nticks": 4 if narrow else 8,
                "tickformat": ".2f",
            },
            yaxis={
                "title": {"text": "latitude"},
                "range": spans[1],
                "fixedrange": True,
                "zeroline": False,
                "gridcolor": "#E9EDF1",
                "tickformat": ".2f",
            },
        )
        return figure

    return figures_drawing(
        len(rows),
        figure(narrow=False),
        figure(narrow=True),
        [(BLUE, "a client's patient lives near a member"), (GREY, "none does")],
    )


def _mark(cell: dict[str, object] | None) -> str:
    if not cell or cell["adjusted_residual"] is None:
        return ""
    return decimal(cell["adjusted_residual"], 1) + (" ★" if cell["is_notable"] else "")


def _hover(cell: dict[str, object] | None) -> str:
    if not cell:
        return ""
    return chart_label(
        f"{short_name(cell['procedure_name'])}, {cell['county']}: "
        f"{integer(cell['observed_patients'])} patients, "
        f"{decimal(cell['expected_patients'], 1)} expected"
    )


def _cluster_hover(row: dict[str, object]) -> str:
    return chart_label(
        f"{group_name(row['cluster_id'])}: about {integer(row['patient_count'])} patients around "
        f"{row['main_city'] or 'an unnamed city'}; "
        f"{rounded_or_hidden(row['client_patients_nearby'])} clients' patients nearby"
    )


def group_name(cluster_id: object) -> str:
    """Return how pages call a cluster: by its number, `7` for cluster-007."""
    return str(cluster_id).removeprefix("cluster-").lstrip("0")


def _middle(values: Sequence[float]) -> float:
    return (min(values) + max(values)) / 2 if values else 0.0


def _window(
    rows: Sequence[dict[str, float]], shape: float, stretch: float
) -> tuple[list[float], list[float]]:
    """Return ranges of longitude and latitude that show all clusters with equal scales.

    `shape` is width by height of the drawing, `stretch` how many degrees of longitude are as long
    as one of latitude.
    """
    if not rows:
        return [-1.0, 1.0], [-1.0, 1.0]
    latitudes = [row["centroid_latitude"] for row in rows]
    longitudes = [row["centroid_longitude"] for row in rows]
    margin = 1.5 * _DEGREES_PER_KM
    tall = max(latitudes) - min(latitudes) + 2 * margin
    broad = (max(longitudes) - min(longitudes)) / stretch + 2 * margin
    tall = max(tall, broad / shape)
    half_tall, half_broad = tall / 2, tall * shape * stretch / 2
    x, y = _middle(longitudes), _middle(latitudes)
    return [x - half_broad, x + half_broad], [y - half_tall, y + half_tall]
