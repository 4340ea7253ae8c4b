"""A CSV file read record by record, to say where in it something is."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from orchestrate.loading.headers import comparable
from orchestrate.loading.values import BLANKS

# COPY takes values of up to a gigabyte; the csv module stops at 128 KiB unless told otherwise.
_FIELD_LIMIT = 1 << 30
# The header is looked for among so many records, and so many bytes.
HIGHEST_HEADER = 50
_BEGINNING = 1 << 18
_SEPARATORS = ",;\t|"
# The line by which Excel is told what separates the columns.
_SEP_LINE = re.compile(r'"?sep=([ \t!-/:-@[-`{-~])"?[\r\n]', re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """How a file is laid out: what separates its columns, and where its header begins.

    `skipped` lines and `offset` bytes stand above the header; `told` of these lines are of no use
    to a program either. `names` are the columns as the header writes them, none where no line is a
    header; then the rows begin in the first line.
    """

    separator: str = ","
    skipped: int = 0
    offset: int = 0
    told: int = 0
    names: tuple[str, ...] = ()


class Record(NamedTuple):
    """One record: its physical lines in the file, from 1, and its fields.

    `text` is the record as the file has it, line end included, where it was asked for.
    """

    first_line: int
    last_line: int
    fields: list[str]
    text: str = ""


def layout(path: Path, declared: Sequence[str]) -> Layout:
    """Find header and separator at the beginning of a file.

    The header is the first record with the most of the `declared` names, and with half of them at
    least; a comma separates the columns unless more of the names show when another character does.
    """
    with path.open("rb") as file:
        text = file.read(_BEGINNING).decode("utf-8", errors="replace")
    beginning = text.removeprefix("\ufeff")
    told = _SEP_LINE.match(beginning)
    wanted = {comparable(name) for name in declared}
    best, most = Layout(), (len(wanted) - 1) // 2
    for separator in told[1] if told else _SEPARATORS:
        for number, record in enumerate(_parsed(io.StringIO(beginning, newline=""), separator)):
            if number == HIGHEST_HEADER:
                break
            names = tuple(name.strip(BLANKS) for name in record.fields)
            if (found := len(wanted & set(map(comparable, names)))) > most:
                most = found
                skipped = record.first_line - 1
                above = "".join(io.StringIO(beginning, newline="").readlines()[:skipped])
                mark = text.removesuffix(beginning)
                best = Layout(
                    separator,
                    skipped,
                    len((mark + above).encode()) if skipped else 0,
                    max(skipped - bool(told), 0),
                    names,
                )
    return best


def records(
    path: Path, found: Layout, errors: str = "strict", *, with_text: bool = False
) -> Iterator[Record]:
    """Yield the records of a UTF-8 file from its header on, one at a time, without empty ones.

    A record is empty when nothing but blanks stands between its separators. `with_text`: each as
    the file has it, too. Raises UnicodeDecodeError and csv.Error where the file cannot be read on.
    """
    with path.open("rb") as raw:
        raw.seek(found.offset)
        encoding = "utf-8" if found.offset else "utf-8-sig"
        with io.TextIOWrapper(raw, encoding=encoding, errors=errors, newline="") as file:
            parsed = _with_text if with_text else _parsed
            for record in parsed(file, found.separator, found.skipped):
                if "".join(record.fields).strip(BLANKS):
                    yield record


def rows(path: Path, found: Layout, *, with_text: bool = False) -> Iterator[Record]:
    """Yield the records below the header; a header that stands there again is none of them."""
    header: list[str] | None = None
    for record in records(path, found, with_text=with_text):
        if header is None and found.names:
            header = record.fields
        elif record.fields != header:
            yield record


def _parsed(lines: Iterable[str], separator: str, before: int = 0) -> Iterator[Record]:
    csv.field_size_limit(_FIELD_LIMIT)
    reader = csv.reader(lines, delimiter=separator)
    last_line = before
    for fields in reader:
        first_line, last_line = last_line + 1, before + reader.line_num
        yield Record(first_line, last_line, fields)


def _with_text(lines: Iterable[str], separator: str, before: int) -> Iterator[Record]:
    taken: list[str] = []

    def taking() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    for record in _parsed(taking(), separator, before):
        yield record._replace(text="".join(taken))
        taken.clear()


def undecodable_column(path: Path, found: Layout) -> str | None:
    """Return the header of the column in which the first bytes stand that are not UTF-8.

    None when they stand in the header itself, or beyond its last column.
    """
    header: list[str] = []
    try:
        for record in records(path, found, errors="surrogateescape"):
            header = header or record.fields
            for column, field in enumerate(record.fields):
                if any("\udc80" <= character <= "\udcff" for character in field):
                    is_named = record.fields is not header and column < len(header)
                    return header[column] if is_named else None
    except (csv.Error, OSError):
        return None
    return None
