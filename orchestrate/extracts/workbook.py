"""One Excel workbook: the read-me sheet first, then a sheet per relation.

XlsxWriter makes the workbook; rows go into its sheets here, because its own way cell by cell takes
seven times as long (15 s of a processor's time for 80,000 studies) and takes text between `<r>` and
`</r>` for markup. What is written is what it would write: a test compares the two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from orchestrate.extracts.sinks import Rows, WriteRows
from orchestrate.reports.catalog import Column, Relation

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
        columns = [
            (xl_col_to_name(index), f' s="{style}"' if style else "")
            for index, style in enumerate(styles)
        ]
        for number, row in enumerate(rows, start=first_row + 1):
            cells = [
                _cell(f'r="{letters}{number}"{style}', value)
                for (letters, style), value in zip(columns, row, strict=True)
                if value is not None
            ]
            self.row_data_fh.write(f'<row r="{number}">{"".join(cells)}</row>')
        if rows:
            self._check_dimensions(first_row, 0)
            self._check_dimensions(first_row + len(rows) - 1, len(columns) - 1)


class WorkbookFile:
    """A workbook as a sink; it is whole when its context ends."""

    def __init__(self, path: Path, readme: Sequence[Sequence[str]]) -> None:
        self._path = path
        self._book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "tmpdir": str(path.parent),
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._book.worksheet_class = Sheet
        self._heading = self._book.add_format({"bold": True, "bottom": 1})
        self._formats: dict[str, Format] = {}
        self._names: set[str] = set()
        self._write_readme(readme)

    def __enter__(self) -> WorkbookFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._book.close()
            self._path.chmod(0o600)

    def table(self, relation: Relation) -> AbstractContextManager[WriteRows]:
        """Write a relation as a sheet, and on further sheets what is more than one holds."""
        return self._table(relation)

    @contextmanager
    def _table(self, relation: Relation) -> Iterator[WriteRows]:
        styles = [self._style(column) for column in relation.columns]
        sheet, filled = self._sheet(relation), 1

        def write(rows: Rows) -> None:
            nonlocal sheet, filled
            while rows:
                if filled == SHEET_ROWS:
                    sheet, filled = self._sheet(relation), 1
                part, rows = rows[: SHEET_ROWS - filled], rows[SHEET_ROWS - filled :]
                sheet.write_rows(filled, part, styles)
                filled += len(part)

        yield write

    def _sheet(self, relation: Relation) -> Sheet:
        """Add a sheet with the header of a relation."""
        sheet: Sheet = self._book.add_worksheet(self._free_name(relation.file_stem))
        headings = [column.name for column in relation.columns]
        sheet.write_rows(0, [tuple(headings)], [self._heading._get_xf_index()] * len(headings))
        for index, column in enumerate(relation.columns):
            wide = 34 if column.name.endswith(("_key", "_id", "_name", "name")) else 14
            sheet.set_column(
                index, index, max(len(column.name) + 2, wide if column.is_text else 12)
            )
        sheet.freeze_panes(1, 0)
        return sheet

    def _free_name(self, name: str) -> str:
        """Return a name that no sheet has yet and that is not too long."""
        place, free = 1, name[:_SHEET_NAME_LENGTH]
        while free.lower() in self._names:
            place += 1
            suffix = f" ({place})"
            free = name[: _SHEET_NAME_LENGTH - len(suffix)] + suffix
        self._names.add(free.lower())
        return free

    def _style(self, column: Column) -> int:
        """Return the number of the style of a column's type; 0 is Excel's own."""
        layout = _number_format(column.data_type)
        if layout is None:
            return 0
        if layout not in self._formats:
            self._formats[layout] = self._book.add_format({"num_format": layout})
        return int(self._formats[layout]._get_xf_index())

    def _write_readme(self, readme: Sequence[Sequence[str]]) -> None:
        sheet = self._book.add_worksheet(self._free_name(README_SHEET))
        width = max(map(len, readme))
        wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        padded = [(*line, *[None] * (width - len(line))) for line in readme]
        sheet.write_rows(0, padded, [wrapped._get_xf_index()] * width)
        for index, size in enumerate((24, 30, 28, 90)):
            sheet.set_column(index, index, size)


def _number_format(data_type: str) -> str | None:
    if data_type == "date":
        return "yyyy-mm-dd"
    if data_type.startswith("timestamp"):
        return "yyyy-mm-dd hh:mm:ss"
    scale = re.fullmatch(r"numeric\(\d+,([1-9]\d*)\)", data_type)
    return None if scale is None else f"0.{'0' * int(scale.group(1))}"


def _cell(attributes: str, value: Any) -> str:
    """Return a cell's XML: text as text whatever it looks like, numbers and times as numbers."""
    if isinstance(value, str):
        if len(value) <= CELL_LENGTH // 2 and not _SPECIAL.search(value):
            return f'<c {attributes} t="inlineStr"><is><t>{value}</t></is></c>'
        return f'<c {attributes} t="inlineStr"><is>{_text(value)}</is></c>'
    if isinstance(value, bool):
        return f'<c {attributes} t="b"><v>{value:d}</v></c>'
    if isinstance(value, (Decimal, float)) and not math.isfinite(value):
        return ""
    if isinstance(value, Decimal):
        return f"<c {attributes}><v>{value:f}</v></c>"
    if isinstance(value, datetime):
        days = (value.astimezone(UTC) - _MOMENT_ZERO).total_seconds() / _DAY_SECONDS
        return f"<c {attributes}><v>{days:.16G}</v></c>"
    if isinstance(value, date):
        return f"<c {attributes}><v>{(value - _DAY_ZERO).days}</v></c>"
    return f"<c {attributes}><v>{value!r}</v></c>"


def _text(value: str) -> str:
    """Return text for a cell without control characters, cut where a cell is full."""
    text = _CONTROL.sub("", value)
    units = text.encode("utf-16-le")
    if len(units) > 2 * CELL_LENGTH:
        text = units[: 2 * (CELL_LENGTH - 1)].decode("utf-16-le", "ignore") + "…"
    # Excel reads `_x0041_` as the letter A.
    text = escape(_LOOKS_ESCAPED.sub(r"_x005F_\1", text))
    keep = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
    return f"<t{keep}>{text}</t>"
