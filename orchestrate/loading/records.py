"""A CSV file read record by record, to say where in it something is."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# COPY takes values of up to a gigabyte; the csv module stops at 128 KiB unless told otherwise.
_FIELD_LIMIT = 1 << 30


@dataclass(frozen=True)
class Record:
    """One record: its physical lines in the file (the header begins in line 1) and its fields.

    `copy_line` is the number of its last line as PostgreSQL's COPY counts: of the line breaks
    inside quotes, COPY sees only those written like the file's line ends.
    """

    first_line: int
    last_line: int
    copy_line: int
    fields: tuple[str, ...]


def records(path: Path, errors: str = "strict") -> Iterator[Record]:
    """Yield the records of a UTF-8 file, header included, one at a time.

    Raises UnicodeDecodeError and csv.Error where the file cannot be read on.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    line_end = _line_end(path, errors)
    with path.open(encoding="utf-8-sig", errors=errors, newline="") as file:
        reader = csv.reader(file)
        last_line = copy_line = 0
        for fields in reader:
            copy_line += 1 + sum(field.count(line_end) for field in fields)
            yield Record(last_line + 1, reader.line_num, copy_line, tuple(fields))
            last_line = reader.line_num


def record_at(path: Path, copy_line: int) -> Record | None:
    """Return the record that COPY calls `copy_line`, None when it cannot be found."""
    try:
        return next((record for record in records(path) if record.copy_line >= copy_line), None)
    except (UnicodeDecodeError, csv.Error, OSError):
        return None


def undecodable_column(path: Path) -> str | None:
    """Return the header of the column in which the first bytes stand that are not UTF-8.

    None when they stand in the header itself, or beyond its last column.
    """
    header: tuple[str, ...] = ()
    try:
        for record in records(path, errors="surrogateescape"):
            header = header or record.fields
            for column, field in enumerate(record.fields):
                if any("\udc80" <= character <= "\udcff" for character in field):
                    is_named = record.fields is not header and column < len(header)
                    return header[column] if is_named else None
    except (csv.Error, OSError):
        return None
    return None


def _line_end(path: Path, errors: str) -> str:
    with path.open(encoding="utf-8-sig", errors=errors, newline="") as file:
        first = file.readline()
    return "\r" if first.endswith(("\r\n", "\r")) else "\n"
