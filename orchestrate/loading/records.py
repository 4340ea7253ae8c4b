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

    `text` is the record as the file has it, line end included.
    """

    first_line: int
    last_line: int
    fields: tuple[str, ...]
    text: str

    @property
    def line_end(self) -> str:
        """The characters that end the record; none at the end of the file."""
        return self.text[len(self.text.rstrip("\r\n")) :]


def records(path: Path, errors: str = "strict") -> Iterator[Record]:
    """Yield the records of a UTF-8 file, header included, one at a time.

    Raises UnicodeDecodeError and csv.Error where the file cannot be read on.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    with path.open(encoding="utf-8-sig", errors=errors, newline="") as file:
        taken: list[str] = []

        def lines() -> Iterator[str]:
            for line in file:
                taken.append(line)
                yield line

        reader = csv.reader(lines())
        last_line = 0
        for fields in reader:
            yield Record(last_line + 1, reader.line_num, tuple(fields), "".join(taken))
            taken.clear()
            last_line = reader.line_num


def rows(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield the records below the header, numbered from 1, without empty lines at the end."""
    # Line ends of empty lines, each with how many follow one another: there may be any number.
    empty: list[tuple[str, int]] = []
    for number, record in enumerate(records(path)):
        if number == 0:
            continue
        if not record.fields:
            same = empty.pop()[1] if empty and empty[-1][0] == record.line_end else 0
            empty.append((record.line_end, same + 1))
            continue
        back = sum(count for _, count in empty)
        for line_end, count in empty:
            for _ in range(count):
                line = record.first_line - back
                yield number - back, Record(line, line, (), line_end)
                back -= 1
        empty.clear()
        yield number, record


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
