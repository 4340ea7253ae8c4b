"""The numbers as accessible HTML tables: caption, scoped headers, escaped text, aligned figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from great_tables import GT, html
from markupsafe import Markup, escape

from orchestrate.reports.rows import Row, records
from orchestrate.reports.text import as_float, decimal, integer, money, percent

# At this share of a minimum a category counts as near in the colouring; it decides nothing else.
NEAR_PERCENT = 75


@dataclass(frozen=True)
class Column:
    """A column of a table: the relation's column, its heading and how its values are written."""

    key: str
    heading: str
    write: Callable[[Any], str] | None = None


def _share(value: object) -> str:
    number = as_float(value)
    return percent(None if number is None else 100 * number, 1)


def _hundredths(value: object) -> str:
    return decimal(value, 2)


def _cents(value: object) -> str:
    return money(value, 2)


GROUP_COLUMNS = (
    Column("required_total", "Required", integer),
    Column("credited", "Credited", integer),
    Column("remaining", "Remaining", integer),
    Column("completed", "Completed", integer),
    Column("surplus", "Surplus", integer),
)
RVU_COLUMNS = (
    Column("required_rvu", "Required", _hundredths),
    Column("not_required_rvu", "Not required", _hundredths),
    Column("total_rvu", "Total", _hundredths),
    Column("required_study_rvu", "In required studies", _hundredths),
    Column("not_required_study_rvu", "In other studies", _hundredths),
    Column("unmapped_study_rvu", "In unmapped studies", _hundredths),
)
SITE_COLUMNS = (
    Column("required_studies", "Required", integer),
    Column("not_required_studies", "Not required", integer),
    Column("unmapped_studies", "Unmapped", integer),
    Column("ratio", "Ratio", lambda value: decimal(value, 3)),
    Column("required_share", "Required share", _share),
    Column("share_low", "Lower end", _share),
    Column("share_high", "Upper end", _share),
    Column("rvu_ratio", "RVU ratio", lambda value: decimal(value, 3)),
    Column("is_highest", "Highest", lambda value: "highest" if value else ""),
)
BEST_SITE_COLUMNS = (
    Column("category_studies", "Studies", integer),
    Column("not_required_studies", "Not required at the site", integer),
    Column("ratio", "Ratio", lambda value: decimal(value, 4)),
)
FINDING_COLUMNS = (
    Column("subject", "Subject"),
    Column("study_count", "Studies", integer),
    Column("detail", "Detail"),
)
ADVOCACY_FINDING_COLUMNS = (
    Column("subject", "Subject"),
    Column("row_count", "Rows", integer),
    Column("example_file", "Where to look"),
    Column("detail", "Detail"),
)
CODE_COLUMNS = (
    Column("example_exam", "Exam, for example"),
    Column("counts", "Counts"),
    Column("category", "Category"),
    Column("confidence", "Confidence"),
    Column("study_count", "Studies", integer),
    Column("rvu", "RVUs", _hundredths),
    Column("met_change", "Results it would change", integer),
    Column("note", "Note"),
)
_PROCEDURE_COLUMNS = (
    Column("procedure_code", "Code"),
    Column("procedure_count", "Performed", integer),
    Column("patient_count", "Patients", integer),
    Column("total_cost", "Total cost", _cents),
    Column("average_cost", "Average cost", _cents),
)
COST_COLUMNS = (Column("cost_rank", "Rank", integer), *_PROCEDURE_COLUMNS)
COUNT_COLUMNS = (Column("count_rank", "Rank", integer), *_PROCEDURE_COLUMNS)


def table(
    identifier: str,
    caption: str,
    frame: pd.DataFrame,
    stub: Column,
    columns: Sequence[Column],
) -> Markup:
    """Return a table with one row per row of the relation, named by the column `stub`."""
    rows = records(frame)
    cells = {
        column.key: [escape((column.write or str)(row[column.key])) for row in rows]
        for column in columns
    }
    return _render(
        identifier,
        caption,
        stub.heading,
        [str(row[stub.key]) for row in rows],
        cells,
        {column.key: escape(column.heading) for column in columns},
        right=[column.key for column in columns if column.write is not None],
    )


def case_log_table(
    identifier: str,
    caption: str,
    wide: pd.DataFrame,
    progress: pd.DataFrame,
    write: Callable[[Any], str],
) -> Markup:
    """Return a wide report, residents by categories, each cell with its progress as a small bar.

    `wide` has resident_name and a column per category id; `progress` (resident x category) gives
    the names and minimums of the header and how near each cell is. A category that `progress` does
    not know keeps its id as a heading.
    """
    steps = {(row["resident_name"], row["category_id"]): row for row in records(progress)}
    known = {row["category_id"]: row for row in steps.values()}
    rows = records(wide)
    categories = [str(name) for name in wide.columns if name != "resident_name"]
    return _render(
        identifier,
        caption,
        "Resident",
        [str(row["resident_name"]) for row in rows],
        {
            category: [
                _cell(write(row[category]), steps.get((row["resident_name"], category)))
                for row in rows
            ]
            for category in categories
        },
        {category: _heading(category, known.get(category)) for category in categories},
        right=categories,
    )


def write_total(value: object) -> str:
    """Write a cell of the totals."""
    return integer(value)


def write_percent(value: object) -> str:
    """Write a cell of the percentages: one place, the unit is in the caption."""
    return decimal(value, 1)


def write_status(value: object) -> str:
    """Write a cell of the status report: `Met` as it is, remaining exams with separators."""
    text = str(value)
    return integer(int(text)) if text.isdecimal() else text


def _heading(category: str, step: Row | None) -> Markup:
    if step is None:
        return escape(category)
    # A slash is where a long name may break; `x-ray` is not.
    whole = re.sub(r"\b(\w)-", "\\1\u2011", str(step["category_name"]))
    name = escape(whole).replace("/", Markup("/<wbr>"))
    minimum = integer(step["required_minimum"])
    return Markup('{}<span class="minimum">min {}</span>').format(name, minimum)


def _cell(text: str, step: Row | None) -> Markup:
    if step is None:
        return Markup('<span class="cell">{}</span>').format(text)
    reached = as_float(step["percent_of_minimum"]) or 0.0
    state = "met" if step["is_met"] else "near" if reached >= NEAR_PERCENT else "far"
    mark = Markup('<span class="tick" aria-hidden="true">✓</span>') if step["is_met"] else ""
    return Markup('<span class="cell {}" style="--reached:{:.0f}%">{}{}</span>').format(
        state, min(reached, 100.0), mark, text
    )


def _render(
    identifier: str,
    caption: str,
    stub_heading: str,
    stubs: Sequence[str],
    cells: dict[str, list[Markup]],
    headings: dict[str, Markup],
    right: Sequence[str],
) -> Markup:
    """Lay the table out with great_tables; `cells` and `headings` are escaped HTML already."""
    frame = pd.DataFrame({"_stub": list(stubs), **cells}, dtype=object)
    columns = list(cells)
    layout = (
        GT(frame, rowname_col="_stub", id=identifier)
        .tab_stubhead(label=stub_heading)
        .cols_label({key: html(str(heading)) for key, heading in headings.items()})
        .cols_align("left", columns=columns)
        .fmt(str, columns=columns)
    )
    if right:
        layout = layout.cols_align("right", columns=list(right))
    return _with_own_style(layout.as_raw_html(), caption)


def _with_own_style(rendered: str, caption: str) -> Markup:
    """Take great_tables' style sheet out (casebook.css has one for all) and put a caption in."""
    body = re.sub(r"<style>.*?</style>", "", rendered, flags=re.DOTALL)
    body = re.sub(r'(<div id="[^"]+") style="[^"]*"', r'\1 class="table-box"', body, count=1)
    start = body.index(">", body.index("<table")) + 1
    # Every cell, heading and stub in it was escaped, here or by great_tables.
    # S704: hostile names in the body are what the browser's tests try; the caption is escaped here.
    return Markup(body[:start] + f"<caption>{escape(caption)}</caption>" + body[start:])  # noqa: S704
