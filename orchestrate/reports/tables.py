"""The numbers as accessible HTML tables: caption, scoped headers, escaped text, aligned figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from orchestrate.reports.rows import Row, records
from orchestrate.reports.templating import rendered
from orchestrate.reports.text import as_float, decimal, integer, money, percent

# At this share of a minimum a category counts as near in the colouring; it decides nothing else.
NEAR_PERCENT = 75


@dataclass(frozen=True)
class Column:
    """A column of a table: the relation's column, its heading and how its values are written."""

    key: str
    heading: str
    write: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class _Cells:
    """A column as it is laid out: text is escaped by the template, markup stands as it is."""

    heading: str
    cells: Sequence[str]
    side: str = "right"
    foot: str = ""


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
    return rendered(
        "table.html",
        identifier=identifier,
        caption=caption,
        stub_heading=stub.heading,
        stubs=[(stub.write or str)(row[stub.key]) for row in rows],
        foot="",
        columns=[
            _Cells(
                column.heading,
                [(column.write or str)(row[column.key]) for row in rows],
                "left" if column.write is None else "right",
            )
            for column in columns
        ],
    )


def case_log_table(
    identifier: str,
    caption: str,
    wide: pd.DataFrame,
    progress: pd.DataFrame,
    write: Callable[[Any], str],
) -> Markup:
    """Return a wide report, residents by categories, each cell with its progress as a small bar.

    The last column says of how many categories a resident has met the minimum; where there are
    several residents, the last row says how many of them have met a category's.

    `wide` has resident_name and a column per category id; `progress` (resident x category) gives
    the names and minimums of the header and how near each cell is. A category that `progress` does
    not know keeps its id as a heading.
    """
    steps = {(row["resident_name"], row["category_id"]): row for row in records(progress)}
    known = {row["category_id"]: row for row in steps.values()}
    rows = records(wide)
    names = [str(row["resident_name"]) for row in rows]
    categories = [str(name) for name in wide.columns if name != "resident_name"]
    met = {place for place, step in steps.items() if step["is_met"]}
    return rendered(
        "table.html",
        identifier=identifier,
        caption=caption,
        stub_heading="Resident",
        stubs=names,
        foot=f"Met by, of {len(rows)}" if len(rows) > 1 else "",
        columns=[
            _Cells(
                _heading(category, known.get(category)),
                [
                    _cell(write(row[category]), steps.get((row["resident_name"], category)))
                    for row in rows
                ],
                foot=str(sum((name, category) in met for name in names)),
            )
            for category in categories
        ]
        + [
            _Cells(
                _noted("Met", f"of {len(categories)}"),
                [str(sum((one, key) in met for key in categories)) for one in names],
            )
        ],
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
    return _noted(name, f"min {minimum}")


def _noted(heading: str, note: str) -> Markup:
    return Markup('{}<span class="minimum">{}</span>').format(heading, note)


def _cell(text: str, step: Row | None) -> Markup:
    if step is None:
        return Markup('<span class="cell">{}</span>').format(text)
    reached = as_float(step["percent_of_minimum"]) or 0.0
    state = "met" if step["is_met"] else "near" if reached >= NEAR_PERCENT else "far"
    mark = Markup('<span class="tick" aria-hidden="true">✓</span>') if step["is_met"] else ""
    return Markup('<span class="cell {}" style="--reached:{:.0f}%">{}{}</span>').format(
        state, min(reached, 100.0), mark, text
    )
