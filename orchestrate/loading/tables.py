"""Raw files into raw tables: read as text with lines and values beside it, checked, then kept."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg2
from psycopg2 import sql

from orchestrate.building.manifest import SeedColumn, SeedDefinition
from orchestrate.driver import Connection, Cursor
from orchestrate.errors import ConfigurationError, DatabaseError
from orchestrate.loading import values
from orchestrate.loading.headers import HeaderMatch
from orchestrate.loading.problems import bad_file
from orchestrate.loading.records import Record, rows
from orchestrate.loading.scan import ScannedFile
from orchestrate.loading.stream import CHUNK, PieceStream

# What follows the name of a table while its rows are read and checked.
READ = "__read"
_KEPT = "__kept"
_CONVERTER = "casebook__as_"
_WRITTEN = "__written"

# The text format of COPY, unlike CSV, has no line that ends the data in some versions only.
_ESCAPE = re.compile(r"[\\\n\r]")
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True)
class RawFile:
    """A scanned file, and which of its columns are which of the raw table."""

    scanned: ScannedFile
    match: HeaderMatch


@dataclass(frozen=True)
class RawTable:
    """What to load where: files, as a rule one, into `schema`.`seed.alias`, in the seed's shape.

    Times without a zone are read in `time_zone`, and of dates like 1/2/2019 the month comes where
    `date_order` (MDY or DMY) says.
    """

    seed: SeedDefinition
    schema: str
    files: tuple[RawFile, ...]
    time_zone: str
    date_order: str = "MDY"

    @property
    def table(self) -> str:
        """The table's name, without schema."""
        return self.seed.alias

    @property
    def file(self) -> str:
        """The file's name, or what its parts are called without their numbers."""
        return self.files[0].scanned.name if len(self.files) == 1 else f"{self.seed.alias}.csv"

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.scanned.size for file in self.files)

    @property
    def sha256(self) -> str:
        """The content of the file; of several, one hash of theirs."""
        hashes = [file.scanned.sha256 for file in self.files]
        return (
            hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
        )

    def relation(self, suffix: str = "") -> sql.Identifier:
        """Return the table, or the one beside it whose name ends in `suffix`."""
        return sql.Identifier(self.schema, self.table + suffix)

    def column(self, name: str) -> SeedColumn:
        """Return the declared column of this name."""
        return next(column for column in self.seed.columns if column.name == name)


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


def prepare_session(cursor: Cursor, raw: RawTable) -> None:
    """Make the transaction read zone-less times and the order of dates as the table wants it.

    Raises ConfigurationError for a zone that the server does not know.
    """
    cursor.execute("select set_config('DateStyle', %s, true)", (f"ISO, {raw.date_order}",))
    try:
        cursor.execute("select set_config('TimeZone', %s, true)", (raw.time_zone,))
    except psycopg2.DataError:
        raise ConfigurationError(
            f"source_time_zone {raw.time_zone!r} is not a time zone that PostgreSQL knows.",
            "Name one like America/New_York in dbt_project.yml.",
        ) from None


def written(column: SeedColumn) -> sql.Identifier:
    """Return the column of the table being read that holds a value as it was written."""
    return sql.Identifier(column.name + _WRITTEN)


def converter(raw: RawTable, type_: str) -> sql.Identifier:
    """Return the function that makes a value of a type from a text, null from any other."""
    return sql.Identifier(raw.schema, _CONVERTER + re.sub(r"\W", "_", type_))


def create_converters(cursor: Cursor, raws: Sequence[RawTable]) -> None:
    """Make a function per type that gives null for what is not of the type.

    Declared immutable for the sake of generated columns: within this transaction they are.
    """
    cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(raws[0].schema)))
    for type_ in _types(raws):
        cursor.execute(
            sql.SQL(
                "create function {}(written text) returns {}"
                " language plpgsql immutable strict as {}"
            ).format(
                converter(raws[0], type_), sql.SQL(type_), sql.Literal(values.converter(type_))
            )
        )


def drop_converters(connection: Connection, raws: Sequence[RawTable]) -> None:
    """Drop the functions again, after the tables that use them."""
    with connection.cursor() as cursor:
        for type_ in _types(raws):
            cursor.execute(sql.SQL("drop function {}(text)").format(converter(raws[0], type_)))


def _types(raws: Sequence[RawTable]) -> list[str]:
    return sorted(
        {column.type for raw in raws for column in raw.seed.columns} - {"text"} | {"numeric"}
    )


def read(cursor: Cursor, raw: RawTable, *, with_text: bool = False) -> None:
    """Copy the files into a table beside the one they will replace: each row with its place.

    Per declared column it has what was written and, under the column's name, what that means; null
    for nothing and for what is not of the type. A row with another number of fields than the header
    has no values, but `__damage` says so. `with_text`: also each row as the file has it, but
    nothing of columns that are none of ours. Raises DataError when a file changed meanwhile.
    """
    relation = raw.relation(READ)
    columns = [sql.SQL("{} text").format(written(column)) for column in raw.seed.columns]
    columns += [
        sql.SQL("{} {} generated always as ({}) stored").format(
            sql.Identifier(column.name), sql.SQL(column.type), _value(raw, column)
        )
        for column in raw.seed.columns
    ]
    cursor.execute(sql.SQL("drop table if exists {}").format(relation))
    cursor.execute(
        sql.SQL(
            "create unlogged table {} (__record bigint, __part integer, __line bigint,"
            " __last_line bigint, __damage text, __row text, {})"
        ).format(relation, sql.SQL(", ").join(columns))
    )
    prepare_session(cursor, raw)
    _copy(
        cursor,
        sql.SQL(
            "copy {} (__record, __part, __line, __last_line, __damage, __row, {}) from stdin"
            # An empty value is a missing one.
            " with (encoding 'UTF8', null '')"
        ).format(relation, sql.SQL(", ").join(map(written, raw.seed.columns))),
        PieceStream(_pieces(raw, with_text=with_text)),
    )
    cursor.execute(sql.SQL("analyze {}").format(relation))


def _value(raw: RawTable, column: SeedColumn) -> sql.Composed:
    if column.type == "text":
        return values.text(column, written(column))
    return sql.SQL("{}({})").format(
        converter(raw, column.type), values.plain(column, written(column))
    )


def _copy(cursor: Cursor, command: sql.Composed, stream: PieceStream) -> None:
    """Run a COPY that reads a stream.

    Raises what the stream raised; DatabaseError for a refusal.
    """
    with stream:
        try:
            cursor.copy_expert(command, stream, size=CHUNK)
        except psycopg2.Error as error:
            if stream.error is not None:
                raise stream.error from None
            primary = error.diag.message_primary or "no reason given"
            raise DatabaseError(
                f"The warehouse refused the rows: {primary}.", "Nothing was replaced."
            ) from None


def _pieces(raw: RawTable, *, with_text: bool) -> Iterator[str]:
    """Yield the lines of the COPY: number, place, damage, row, what was written."""
    number = 0
    for part, file in enumerate(raw.files):
        columns = file.match.columns
        places = [
            columns.index(column.name) if column.name in columns else None
            for column in raw.seed.columns
        ]
        nothing, as_declared = [""] * len(places), list(range(len(columns)))
        for record in rows(file.scanned.path, file.scanned.layout, with_text=with_text):
            number += 1
            fields, damage = record.fields, ""
            if len(fields) != len(columns):
                damage, fields = _damage(record, len(columns)), nothing
            elif places != as_declared:
                fields = ["" if place is None else fields[place] for place in places]
            text = _row(record, file, damage) if with_text else ""
            yield (
                f"{number}\t{part}\t{record.first_line}\t{record.last_line}\t{damage}\t"
                f"{_escaped([text, *fields])}\n"
            )
        _refuse_change(file.scanned)


def _escaped(cells: Sequence[str]) -> str:
    line = "\t".join(cells)
    if line.count("\t") >= len(cells) or _ESCAPE.search(line):
        return "\t".join(cell.translate(_ESCAPED) for cell in cells)
    return line


def _damage(record: Record, expected: int) -> str:
    fields = "1 field" if len(record.fields) == 1 else f"{len(record.fields)} fields"
    return f"the row has {fields}, the header has {expected}"


def _row(record: Record, file: RawFile, damage: str) -> str:
    """Return the row as the file has it, but nothing of columns that are none of ours."""
    if not file.match.unknown:
        return record.text.rstrip("\r\n")
    if damage:
        return ""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(
        value if name is not None else ""
        for name, value in zip(file.match.columns, record.fields, strict=True)
    )
    return text.getvalue()


def _refuse_change(scanned: ScannedFile) -> None:
    """Raise DataError when a file is no longer what it was when it was scanned."""
    with scanned.path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != scanned.sha256:
            raise bad_file(
                scanned.name,
                "the file changed while it was read",
                cure="Load it again when it is complete. Nothing was replaced.",
            )


def keep(connection: Connection, raw: RawTable) -> int:
    """Put the values that were read in the place of the old table; returns how many rows.

    The staging views on the old one go with it (dbt makes them anew in every build).
    """
    table, kept = raw.relation(), raw.relation(_KEPT)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in raw.seed.columns)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("create table {} as select {} from {} order by __record").format(
                kept, names, raw.relation(READ)
            )
        )
        count = cursor.rowcount
        cursor.execute(sql.SQL("drop table {}").format(raw.relation(READ)))
        cursor.execute(sql.SQL("analyze {}").format(kept))
        cursor.execute(sql.SQL("drop table if exists {} cascade").format(table))
        cursor.execute(
            sql.SQL("alter table {} rename to {}").format(kept, sql.Identifier(raw.table))
        )
        cursor.execute(
            sql.SQL("comment on table {} is {}").format(table, sql.Literal(raw.seed.description))
        )
        for column in raw.seed.columns:
            cursor.execute(
                sql.SQL("comment on column {} is {}").format(
                    sql.Identifier(raw.schema, raw.table, column.name),
                    sql.Literal(column.description),
                )
            )
    return count
