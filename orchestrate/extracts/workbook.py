"""One Excel workbook: the read-me sheet first, then a sheet per relation.

XlsxWriter makes the workbook; rows go into its sheets here, because its own way cell by cell takes
seven times as long (15 s of a processor's time for 80,000 studies) and takes text between `<r>` and
`</r>` for markup. What is written is what it would write: a test compares the two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from orchestrate.extracts.sinks import Rows, Sink, WriteRows
from orchestrate.reports.catalog import Relation

# Rows of a sheet in Excel, the header among them.
SHEET_ROWS = 1_048_576
CELL_LENGTH = 32_767
README_SHEET = "Read me"

_SHEET_NAME_LENGTH = 31
_TEXT_WIDTH, _NUMBER_WIDTH = 24, 12
_DAY_ZERO = date(1899, 12, 30)
_MOMENT_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
_DAY_SECONDS = 86_400
# What sends text the careful way into its cell.
_SPECIAL = re.compile(r"[\x00-\x1f\x7f-\x9f&<>\ufffe\uffff]|_x|^\s|\s\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
_LOOKS_ESCAPED = re.compile(r"_(x[0-9A-Fa-f]{4}_)")


class Sheet(Worksheet):  # type: ignore[misc]  # XlsxWriter has no types
    """A sheet of XlsxWriter's that takes whole rows, in constant memory."""

    def write_rows(self, first_row: int, rows: Rows, styles: Sequence[int]) -> None:
        """Write rows from `first_row` on (0: the first), each column in its style's number."""
        if not rows:
            return
        numbers = range(first_row + 1, first_row + 1 + len(rows))
        columns = []
        for index, (values, style) in enumerate(zip(zip(*rows, strict=True), styles, strict=True)):
            look = f' s="{style}"' if style else ""
            start = f'<c r="{xl_col_to_name(index)}'
            columns.append(
                [
                    content and f'{start}{number}"{look}{content}'
                    for number, content in zip(numbers, _contents(values), strict=True)
                ]
            )
        for number, cells in zip(numbers, zip(*columns, strict=True), strict=True):
            self.row_data_fh.write(f'<row r="{number}">{"".join(cells)}</row>')
        self._check_dimensions(first_row, 0)
        self._check_dimensions(first_row + len(rows) - 1, len(columns) - 1)


@contextmanager
def workbook_file(path: Path, readme: Sequence[Sequence[str]]) -> Iterator[Sink]:
    """Write a workbook with a sheet per relation; it is whole when the context ends.

    What is more than one sheet holds goes on further ones.
    """
    book = xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": True,
            "tmpdir": str(path.parent),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.worksheet_class = Sheet
    formats: dict[str, Format] = {}

    def style(**properties: object) -> int:
        """Return a style's number, the same for the same properties."""
        key = repr(properties)
        if key not in formats:
            formats[key] = book.add_format(properties)
        return int(formats[key]._get_xf_index())

    def begin_sheet(relation: Relation) -> Sheet:
        sheet: Sheet = book.add_worksheet(_free_name(relation.file_stem, book.sheetnames))
        headings = tuple(column.name for column in relation.columns)
        sheet.write_rows(0, [headings], [style(bold=True, bottom=1)] * len(headings))
        for index, column in enumerate(relation.columns):
            wide = 34 if column.name.endswith(("_key", "_id", "_name", "name")) else 14
            sheet.set_column(
                index, index, max(len(column.name) + 2, wide if column.is_text else 12)
            )
        sheet.freeze_panes(1, 0)
        return sheet

    @contextmanager
    def table(relation: Relation) -> Iterator[WriteRows]:
        layouts = [_number_format(column.data_type) for column in relation.columns]
        styles = [style(num_format=layout) if layout else 0 for layout in layouts]
        sheet, filled = begin_sheet(relation), 1

        def write(rows: Rows) -> None:
            nonlocal sheet, filled
            while rows:
                if filled == SHEET_ROWS:
                    sheet, filled = begin_sheet(relation), 1
                part, rows = rows[: SHEET_ROWS - filled], rows[SHEET_ROWS - filled :]
                sheet.write_rows(filled, part, styles)
                filled += len(part)

        yield write

    sheet = book.add_worksheet(README_SHEET)
    width = max(map(len, readme))
    padded = [(*line, *[None] * (width - len(line))) for line in readme]
    sheet.write_rows(0, padded, [style(text_wrap=True, valign="top")] * width)
    for index, size in enumerate((24, 30, 28, 90)):
        sheet.set_column(index, index, size)
    yield table
    book.close()
    path.chmod(0o600)


def _free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name that no sheet has yet, in upper or lower case, and that is not too long."""
    names = {one.lower() for one in taken}
    place, free = 1, name[:_SHEET_NAME_LENGTH]
    while free.lower() in names:
        place += 1
        suffix = f" ({place})"
        free = name[: _SHEET_NAME_LENGTH - len(suffix)] + suffix
    return free


def _number_format(data_type: str) -> str | None:
    if data_type == "date":
        return "yyyy-mm-dd"
    if data_type.startswith("timestamp"):
        return "yyyy-mm-dd hh:mm:ss"
    scale = re.fullmatch(r"numeric\(\d+,([1-9]\d*)\)", data_type)
    return None if scale is None else f"0.{'0' * int(scale.group(1))}"


def _contents(values: Sequence[Any]) -> list[str]:
    """Return what is in the cells of a column, after their attributes; nothing for a null."""
    if set(map(type, values)) - {NoneType} in ({str}, {bool}, {date}, {datetime}):
        # Values of these that are equal look equal, too: each is looked at once.
        cells = {value: _cell(value) for value in set(values)}
        return [cells[value] for value in values]
    return [_cell(value) for value in values]


def _cell(value: Any) -> str:
    """Return a cell's XML: text as text whatever it looks like, numbers and times as numbers."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _text_cell(value)
    if isinstance(value, bool):
        return f' t="b"><v>{value:d}</v></c>'
    if isinstance(value, (Decimal, float)) and not math.isfinite(value):
        return ""
    if isinstance(value, Decimal):
        return f"><v>{value:f}</v></c>"
    if isinstance(value, datetime):
        days = (value.astimezone(UTC) - _MOMENT_ZERO).total_seconds() / _DAY_SECONDS
        return f"><v>{days:.16G}</v></c>"
    if isinstance(value, date):
        return f"><v>{(value - _DAY_ZERO).days}</v></c>"
    return f"><v>{value!r}</v></c>"


def _text_cell(text: str) -> str:
    """Return a text's XML, without control characters and cut where a cell is full."""
    keep = ""
    if len(text) > CELL_LENGTH // 2 or _SPECIAL.search(text):
        text = _CONTROL.sub("", text)
        units = text.encode("utf-16-le")
        if len(units) > 2 * CELL_LENGTH:
            text = units[: 2 * (CELL_LENGTH - 1)].decode("utf-16-le", "ignore") + "…"
        # Excel reads `_x0041_` as the letter A.
        text = escape(_LOOKS_ESCAPED.sub(r"_x005F_\1", text))
        keep = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
    return f' t="inlineStr"><is><t{keep}>{text}</t></is></c>'
