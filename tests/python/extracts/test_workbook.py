"""Rows in a workbook are what XlsxWriter would write, and no text is more than text."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from orchestrate.extracts import workbook
from orchestrate.extracts.workbook import README_SHEET, workbook_file
from orchestrate.reports.catalog import Column, Relation

README = [
    ("Casebook extracts: Humana",),
    ("Version", "7"),
    (),
    ("Relation", "Column", "Type", "=1"),
]
COLUMNS = (
    Column("name", "text", "A name."),
    Column("count", "integer", "A count."),
    Column("money", "numeric(18,2)", "US dollars."),
    Column("is_met", "boolean", "Whether."),
    Column("at", "timestamp with time zone", "When."),
    Column("month", "date", "In which month."),
    Column("share", "double precision", "How much of it."),
)
ROWS: list[tuple[Any, ...]] = [
    (
        "plain",
        1,
        Decimal("12.50"),
        True,
        datetime(2019, 1, 2, 12, 0, tzinfo=UTC),
        date(2019, 1, 1),
        0.25,
    ),
    ("a & b", -3, Decimal("0.07"), False, None, None, None),
    (None, None, None, None, None, None, 1e-7),
]
ATTACKS = (
    "=1+1",
    "+1",
    "@SUM(A1)",
    "https://example.org/",
    "mailto:a@example.org",
    "{=1}",
    "0012",
    "<r></t></is></c></row></sheetData><sheetData><row><c><is><t>x</r>",
    "<r>rich</r>",
    "</t></is></c>",
    "]]>&amp;",
    "  kept  ",
    "two\nlines",
    "_x0041_",
    "García-Müller, José Ñ 😀",
)


def relation(columns: Sequence[Column] = COLUMNS, name: str = "procedures") -> Relation:
    return Relation("clients", name, name, "One row.", tuple(columns), ("name",), 1, (), 1)


def write(path: Path, rows: Sequence[tuple[Any, ...]], **named: Any) -> Path:
    with workbook_file(path, README) as table, table(relation(**named)) as write_rows:
        write_rows(rows)
    return path


def cells(path: Path, sheet: str) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(path)
    return [tuple(cell.value for cell in row) for row in book[sheet].iter_rows()]


def test_rows_are_what_xlsxwriter_writes_cell_by_cell(tmp_path: Path) -> None:
    ours = write(tmp_path / "ours.xlsx", ROWS)
    book = xlsxwriter.Workbook(tmp_path / "theirs.xlsx", {"constant_memory": True})
    book.add_worksheet()
    sheet = book.add_worksheet()
    # Styles have numbers in the order of their first use: the read-me's comes before these.
    book.add_format({"text_wrap": True, "valign": "top"})._get_xf_index()
    formats = {
        "money": book.add_format({"num_format": "0.00"}),
        "at": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        "month": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    for shape in formats.values():
        shape._get_xf_index()
    heading = book.add_format({"bold": True, "bottom": 1})
    for index, column in enumerate(COLUMNS):
        sheet.write_string(0, index, column.name, heading)
    for number, row in enumerate(ROWS, start=1):
        for index, (column, value) in enumerate(zip(COLUMNS, row, strict=True)):
            named = formats.get(column.name)
            if isinstance(value, str):
                sheet.write_string(number, index, value)
            elif isinstance(value, bool):
                sheet.write_boolean(number, index, value)
            elif isinstance(value, date):
                plain = value.replace(tzinfo=None) if isinstance(value, datetime) else value
                sheet.write_datetime(number, index, plain, named)
            elif value is not None:
                sheet.write_number(number, index, value, named)
    book.close()
    assert sheet_rows(ours) == [
        # A decimal keeps its places and a small number its small letter.
        line.replace("<v>12.5</v>", "<v>12.50</v>").replace("1E-07", "1e-07")
        for line in sheet_rows(tmp_path / "theirs.xlsx")
    ]


def sheet_rows(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        text = archive.read("xl/worksheets/sheet2.xml").decode()
    body = text.partition("<sheetData>")[2].partition("</sheetData>")[0]
    assert body
    return body.split("</row>")


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", ROWS)
    header, first, second, third = cells(path, "procedures")
    assert header == tuple(column.name for column in COLUMNS)
    assert first == (
        "plain",
        1,
        12.5,
        True,
        datetime(2019, 1, 2, 12, 0),
        datetime(2019, 1, 1),
        0.25,
    )
    assert second == ("a & b", -3, 0.07, False, None, None, None)
    assert third == (None, None, None, None, None, None, 1e-7)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["book.xlsx"]


def test_hostile_text_is_text_letter_for_letter(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", [(text,) for text in ATTACKS], columns=COLUMNS[:1])
    book = openpyxl.load_workbook(path)
    column = [row[0] for row in book["procedures"].iter_rows(min_row=2)]
    shown = [text.replace("_x0041_", "_x005F_x0041_") for text in ATTACKS]
    assert [cell.value for cell in column] == shown
    assert {cell.data_type for cell in column} == {"s"}
    assert all(cell.hyperlink is None for cell in column)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            assert b"<f>" not in archive.read(name), name
            assert b"<hyperlink" not in archive.read(name), name
    assert cells(path, README_SHEET)[3] == ("Relation", "Column", "Type", "=1")


def test_control_characters_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", [("a\x01b\x1bc\x7f\x9d\ufffed\r",)], columns=COLUMNS[:1])
    assert cells(path, "procedures")[1] == ("abcd",)


def test_text_longer_than_a_cell_is_cut_and_says_so(tmp_path: Path) -> None:
    long = "😀" * 20_000
    path = write(tmp_path / "book.xlsx", [(long,), ("x" * 32_767,)], columns=COLUMNS[:1])
    (cut,), (full,) = cells(path, "procedures")[1:]
    assert cut == "😀" * 16_383 + "…"
    assert full == "x" * 32_767


def test_numbers_that_are_none_leave_their_cell_empty(tmp_path: Path) -> None:
    rows = [("x", None, Decimal("NaN"), None, None, None, float("inf"))]
    assert cells(write(tmp_path / "book.xlsx", rows), "procedures")[1] == ("x", *[None] * 6)


def test_more_rows_than_a_sheet_holds_go_on_further_sheets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "SHEET_ROWS", 4)
    rows = [(f"row {number}",) for number in range(7)]
    path = tmp_path / "book.xlsx"
    with workbook_file(path, README) as table:
        with table(relation(COLUMNS[:1])) as write_rows:
            write_rows(rows[:2])
            write_rows(rows[2:])
        with table(relation(COLUMNS[:1], "procedures_in_a_very_long_relation")):
            pass
        with table(relation(COLUMNS[:1], "procedures_in_a_very_long_relation_too")):
            pass
    names = openpyxl.load_workbook(path).sheetnames
    assert names == [
        README_SHEET,
        "procedures",
        "procedures (2)",
        "procedures (3)",
        "procedures_in_a_very_long_relat",
        "procedures_in_a_very_long_r (2)",
    ]
    found = [cells(path, name) for name in names[1:4]]
    assert all(sheet[0] == ("name",) for sheet in found)
    assert [row for sheet in found for row in sheet[1:]] == rows
