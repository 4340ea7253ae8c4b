"""Raw files into raw tables: read as text with its lines beside it, worked out, then kept."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import psycopg2

from orchestrate.building.manifest import SeedDefinition
from orchestrate.driver import Connection, Cursor
from orchestrate.errors import ConfigurationError, DatabaseError
from orchestrate.loading.csv_files import CsvFile, rows
from orchestrate.loading.rules import BLANKS, WORDS_FOR_NOTHING, quoted, run

_CHUNK = 1 << 18
_ORDERS = {"MDY": "month/day/year", "DMY": "day/month/year"}
# What the text format of COPY escapes; unlike CSV, it has no line that ends the data in some
# versions only. The separator is one that people see, and seldom write.
_ESCAPED = str.maketrans({"\\": "\\\\", "|": "\\|", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True)
class RawTable:
    """What to load where: files, as a rule one, into `schema`.`seed.alias`, in the seed's shape.

    Times without a zone are read in `time_zone`, and of dates like 1/2/2019 the month comes where
    `date_order` (MDY or DMY) says. Names of tables are as SQL writes them.
    """

    seed: SeedDefinition
    schema: str
    files: tuple[CsvFile, ...]
    time_zone: str
    date_order: str = "MDY"

    @property
    def table(self) -> str:
        """The table's name, without schema."""
        return self.seed.alias

    @property
    def relation(self) -> str:
        """The table."""
        return f"{quoted(self.schema)}.{quoted(self.table)}"

    @property
    def read(self) -> str:
        """The temporary table of what was written."""
        return f"pg_temp.{quoted('read_' + self.table)}"

    @property
    def values(self) -> str:
        """The temporary table of what that means."""
        return f"pg_temp.{quoted('values_' + self.table)}"

    @property
    def file(self) -> str:
        """The file's name, or what its parts are called without their numbers."""
        return self.files[0].name if len(self.files) == 1 else f"{self.table}.csv"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @cached_property
    def sha256(self) -> str:
        """The content of the file; of several, one hash of theirs."""
        hashes = [file.sha256 for file in self.files]
        return (
            hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
        )

    @property
    def order(self) -> str:
        """The order in which dates like 1/2/2019 are read, in words."""
        return _ORDERS[self.date_order]

    @property
    def other_order(self) -> str:
        """The order in which they are not read, in words."""
        return next(words for order, words in _ORDERS.items() if order != self.date_order)


@dataclass(frozen=True)
class LoadedTable:
    """A raw table and the file it holds.

    `name` is the file's. `rows` without the header; `equal_rows` of them repeat an earlier row in
    every column (they are kept); `size` in bytes; `changed` is False when the table held this
    content already.
    """

    schema: str
    table: str
    name: str
    rows: int
    equal_rows: int
    size: int
    sha256: str
    loaded_at: datetime
    changed: bool = True


def read(cursor: Cursor, raw: RawTable, *, with_text: bool = False) -> int:
    """Copy the files as text, and work out what the values mean; returns how many rows there are.

    A row with another number of fields than the header has no values, but `__damage` says so.
    `with_text`: also each row as the file has it, but nothing of columns that are none of ours.
    Raises ExportError for a file that is damaged or changed meanwhile, ConfigurationError for a
    zone that the server does not know, DatabaseError.
    """
    run(cursor, "read", raw=raw)
    _prepare_session(cursor, raw)
    stream = _Stream(_lines(raw, with_text=with_text))
    try:
        cursor.copy_expert(
            f"copy {raw.read} from stdin with (encoding 'UTF8', delimiter '|', null '')",
            stream,
            size=_CHUNK,
        )
    except psycopg2.Error as error:
        primary = error.diag.message_primary or "no reason given"
        raise DatabaseError(
            f"The warehouse refused the rows: {primary}.", "Nothing was replaced."
        ) from None
    if stream.error is not None:
        raise stream.error
    count = cursor.rowcount
    run(cursor, "values", raw=raw)
    return count


def keep(connection: Connection, raw: RawTable) -> int:
    """Put the values in the place of the old table; returns how many rows."""
    with connection.cursor() as cursor:
        run(cursor, "keep", raw=raw)
        cursor.execute(f"select count(*) from {raw.relation}")
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def _prepare_session(cursor: Cursor, raw: RawTable) -> None:
    """Make the transaction read zone-less times and the order of dates as the table wants it."""
    cursor.execute("select set_config('DateStyle', %s, true)", (f"ISO, {raw.date_order}",))
    try:
        cursor.execute("select set_config('TimeZone', %s, true)", (raw.time_zone,))
    except psycopg2.DataError:
        raise ConfigurationError(
            f"source_time_zone {raw.time_zone!r} is not a time zone that PostgreSQL knows.",
            "Name one like America/New_York in dbt_project.yml.",
        ) from None


class _Stream(io.BufferedIOBase):
    """Lines, made while COPY asks for them, in constant memory.

    What goes wrong ends the lines and is kept in `error`: psycopg2 would make it another error.
    """

    error: BaseException | None = None

    def __init__(self, lines: Iterator[str]) -> None:
        super().__init__()
        self._lines = lines

    def read(self, size: int | None = _CHUNK, /) -> bytes:
        taken, length = [], 0
        try:
            for line in self._lines:
                taken.append(line)
                length += len(line)
                if length >= (size or _CHUNK):
                    break
        except BaseException as error:
            self.error = error
            return b""
        return "".join(taken).encode()


def _lines(raw: RawTable, *, with_text: bool) -> Iterator[str]:
    """Yield the lines of the COPY: number, part, lines, damage, values as written, text."""
    number = 0
    verbatim = [column.rules.verbatim for column in raw.seed.columns]
    bars, nothing = len(verbatim) + 1, "|" * (len(verbatim) + 1)
    for part, file in enumerate(raw.files):
        found = file.match.columns
        width = len(found)
        places = [
            found.index(column.name) if column.name in found else None
            for column in raw.seed.columns
        ]
        is_as_declared = places == list(range(width))
        for first, last, fields, joined, text in rows(file):
            damage, values = "", fields
            if len(fields) != width:
                one = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
                damage, cells = f"the row has {one}, the header has {width}", nothing
            elif is_as_declared:
                cells = f"|{joined}|"
            else:
                values = ["" if place is None else fields[place] for place in places]
                cells = f"|{'|'.join(values)}|"
            # To look at each value takes most of the time, and few rows need it.
            if (
                "| " in cells
                or " |" in cells
                or "\\" in cells
                or not cells.isprintable()
                or cells.count("|") != bars
                or damage
            ):
                if not "".join(fields).strip(BLANKS):
                    continue
                if not damage:
                    cells = f"|{'|'.join(map(_cell, values, verbatim))}|"
            number += 1
            row = _row(file, text, fields, damage).translate(_ESCAPED) if with_text else ""
            yield f"{number}|{part}|{first}|{last}|{damage}{cells}{row}\n"
        file.refuse_change()


def _cell(written: str, verbatim: bool) -> str:
    """Return a value for COPY, without blanks around it unless they are part of it."""
    plain = written.strip(BLANKS)
    is_kept = verbatim and plain and plain.lower() not in WORDS_FOR_NOTHING
    return (written if is_kept else plain).translate(_ESCAPED)


def _row(file: CsvFile, lines: Sequence[str], fields: Sequence[str], damage: str) -> str:
    """Return the row as the file has it, but nothing of columns that are none of ours."""
    if not file.match.unknown:
        return "".join(lines).rstrip("\r\n")
    if damage:
        return ""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(
        "" if name is None else field
        for name, field in zip(file.match.columns, fields, strict=True)
    )
    return text.getvalue()
