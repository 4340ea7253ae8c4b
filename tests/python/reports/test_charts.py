"""Charts hold one mark per row in every panel, and no text that plotly or HTML could misread."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from plotly.offline import get_plotlyjs_version

from orchestrate.reports import figures
from orchestrate.reports.charts import Drawing, Panel, Series, drawing
from orchestrate.reports.scales import fitting, text_width, ticks
from tests.python.reports import datasets

REPORTS = Path(figures.__file__).parent
Draw = Callable[[pd.DataFrame], Drawing]
PROGRAM = datasets.residency_data(datasets.HOSTILE)
PROCEDURES = datasets.client_data(datasets.HOSTILE).procedures
CASES: list[tuple[Draw, pd.DataFrame]] = [
    (figures.group_progress_figure, PROGRAM.group_progress),
    (figures.rvu_figure, PROGRAM.rvu),
    (figures.site_figure, PROGRAM.sites),
    (figures.best_site_figure, PROGRAM.best_site),
    (figures.cost_figure, PROCEDURES),
    (figures.count_figure, PROCEDURES),
]


def marks(drawing: Drawing, form: str) -> list[dict[str, Any]]:
    """Return the traces that draw bars or dots."""
    traces: list[dict[str, Any]] = json.loads(drawing.payload)[form]["data"]
    return [trace for trace in traces if trace.get("mode") != "text"]


@pytest.mark.parametrize(("draw", "rows"), CASES)
@pytest.mark.parametrize("form", ["wide", "narrow"])
def test_every_series_has_one_mark_per_row(draw: Draw, rows: pd.DataFrame, form: str) -> None:
    traces = marks(draw(rows), form)
    assert traces
    assert {len(trace["x"]) for trace in traces} == {len(rows)}
    assert draw(rows).rows == len(rows)


@pytest.mark.parametrize(("draw", "rows"), CASES)
def test_one_row_and_no_row_can_be_drawn(draw: Draw, rows: pd.DataFrame) -> None:
    for count in (0, 1):
        traces = marks(draw(rows.iloc[0:count]), "wide")
        assert {len(trace["x"]) for trace in traces} == {count}


@pytest.mark.parametrize(("draw", "rows"), CASES)
def test_the_payload_cannot_leave_its_script_element(draw: Draw, rows: pd.DataFrame) -> None:
    assert not set("<>&") & set(draw(rows).payload)


def test_plotly_gets_names_escaped_wherever_it_writes_them() -> None:
    shown = json.loads(figures.rvu_figure(PROGRAM.rvu).payload)
    for form in ("wide", "narrow"):
        texts = json.dumps(shown[form], ensure_ascii=False)
        assert "<b>" not in texts
        assert "&lt;b&gt;bold&lt;/b&gt; &amp; " in texts


def test_a_number_that_begins_with_a_bracket_is_shown_as_it_is() -> None:
    drawn = figures.group_progress_figure(datasets.group([("chest_xray", 1, 0, 10000)]))
    traces = json.loads(drawn.payload)["wide"]["data"]
    labels = [text for trace in traces if trace.get("mode") == "text" for text in trace["text"]]
    assert any(label.endswith("· &lt;1 %") for label in labels)


def test_nothing_can_be_shared_with_a_cloud() -> None:
    config = json.loads(figures.rvu_figure(PROGRAM.rvu).payload)["config"]
    assert config["showSendToCloud"] is False
    assert config["displaylogo"] is False


def test_categories_are_drawn_in_percent_of_what_each_needs() -> None:
    credited, remaining, surplus = marks(
        figures.group_progress_figure(
            datasets.group([("chest_xray", 950, 0, 1900), ("mri_brain", 55, 11, 110)])
        ),
        "wide",
    )
    assert credited["x"] == remaining["x"] == [50, 50]
    assert surplus["x"] == [0, 10]


def test_the_highest_site_alone_is_coloured_and_intervals_reach_from_low_to_high() -> None:
    ratio, share = marks(
        figures.site_figure(datasets.sites([("EAST", 30, 10, True), ("WEST", 10, 10, False)])),
        "wide",
    )
    assert ratio["x"] == [3, 1]
    assert ratio["marker"]["color"][0] != ratio["marker"]["color"][1]
    assert share["x"] == [75, 50]
    assert share["error_x"]["array"] == pytest.approx([2, 2])
    assert share["error_x"]["arrayminus"] == pytest.approx([2, 2])


def test_a_site_without_a_ratio_keeps_its_row() -> None:
    ratio, share = marks(figures.site_figure(datasets.sites([("EAST", 3, 0, False)])), "wide")
    assert ratio["x"] == [None]
    assert share["x"] == [100]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 100, [0, 25, 50, 75, 100]),
        (0, 2.2, [0, 1, 2]),
        (48, 70, [50, 60, 70]),
        (0, 3, [0, 1, 2, 3]),
        (0, 0.07, [0, 0.02, 0.04, 0.06]),
        (5, 5, [5]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == expected


def test_names_are_cut_where_they_do_not_fit() -> None:
    assert fitting("MAIN", 100) == "MAIN"
    cut = fitting("Assessment of health and social care needs", 100)
    assert cut.endswith("…")
    assert text_width(cut) <= 100


def test_capitals_take_more_room() -> None:
    assert text_width("CHILDREN") > text_width("children")


def test_bars_that_are_compared_across_panels_measure_the_same() -> None:
    rows = (
        Series("patients", [70, 10], "#000000", ["", ""]),
        Series("", [390, 20], "#000000", ["", ""]),
    )
    panels = [Panel("a", [rows[0]], ["70", "10"]), Panel("b", [rows[1]], ["390", "20"])]
    for scaled in (False, True):
        layout = json.loads(drawing(["x", "y"], panels, same_scale=scaled).payload)["wide"][
            "layout"
        ]
        per_unit = [
            (axis["domain"][1] - axis["domain"][0]) / (axis["range"][1] - axis["range"][0])
            for axis in (layout["xaxis"], layout["xaxis2"])
        ]
        assert (per_unit[0] == pytest.approx(per_unit[1])) == scaled


def test_the_script_that_pages_draw_with_is_of_the_release_that_makes_the_figures() -> None:
    head = (REPORTS / "static" / "plotly.min.js").read_text(encoding="utf-8")[:200]
    assert f"v{get_plotlyjs_version()}\n" in head
