"""Tables are escaped, captioned, scoped, and readable without their colours."""

from __future__ import annotations

import re

import pytest

from orchestrate.reports import tables
from tests.python.reports import datasets

DATA = datasets.residency_data(datasets.HOSTILE)


def rendered(column: str = "completed") -> str:
    return str(
        tables.case_log_table(
            "totals-table",
            "Counted <exams>",
            datasets.wide(DATA.progress, column),
            DATA.progress,
            tables.write_total,
        )
    )


def test_names_stay_text() -> None:
    html = rendered()
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<caption>Counted &lt;exams&gt;</caption>" in html


def test_every_cell_is_named_by_its_row_and_column() -> None:
    html = rendered()
    assert html.count('scope="row"') == len(DATA.totals) + 1
    assert html.count('scope="col"') == 2 + len(datasets.CATEGORIES)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_the_header_holds_the_minimums_and_the_style_sheet_is_the_pages_own() -> None:
    html = rendered()
    assert "min 1,900" in html
    assert "<style" not in html


def test_a_cell_says_without_colour_how_near_it_is() -> None:
    steps = datasets.progress({"A": (1900, 83, 7)})
    html = str(
        tables.case_log_table(
            "t", "c", datasets.wide(steps, "completed"), steps, tables.write_total
        )
    )
    met, near, far = re.findall(r'<span class="cell (\w+)" style="--reached:(\d+)%">', html)
    assert met == ("met", "100")
    assert near == ("near", "75")
    assert far == ("far", "35")
    assert html.count("✓") == 1


def test_a_category_without_rows_keeps_its_id_as_heading() -> None:
    totals = DATA.totals.assign(brand_new=0)
    html = str(tables.case_log_table("t", "c", totals, DATA.progress, tables.write_total))
    assert ">brand_new</th>" in html


@pytest.mark.parametrize(("value", "shown"), [("Met", "Met"), ("1187", "1,187"), ("0", "0")])
def test_status_is_met_or_a_number_with_separators(value: str, shown: str) -> None:
    assert tables.write_status(value) == shown


def test_numbers_are_right_aligned_and_words_left() -> None:
    html = str(
        tables.table(
            "cost",
            "Costs",
            datasets.client_data().procedures,
            tables.Column("procedure_name", "Procedure"),
            tables.COST_COLUMNS,
        )
    )
    assert '<td class="right">$1,000.50</td>' in html
    assert '<td class="left">1</td>' in html


def test_words_in_cells_stay_text() -> None:
    html = str(
        tables.table(
            "found",
            "Findings",
            DATA.findings,
            tables.Column("finding", "Finding"),
            tables.FINDING_COLUMNS,
        )
    )
    assert "<img" not in html
    assert "&lt;img src=x onerror=alert(3)&gt;" in html


def test_an_empty_relation_is_a_table_without_rows() -> None:
    html = str(
        tables.table(
            "rvu",
            "RVUs",
            DATA.rvu.iloc[0:0],
            tables.Column("resident_name", "Resident"),
            tables.RVU_COLUMNS,
        )
    )
    assert "<td" not in html
    assert html.count('scope="col"') == 1 + len(tables.RVU_COLUMNS)
