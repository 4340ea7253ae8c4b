"""The tables of the close look: rows as text with their lines, and typed values where possible."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from psycopg2 import sql

from orchestrate.building.manifest import SeedColumn
from orchestrate.driver import Cursor
from orchestrate.loading.problems import bad_file
from orchestrate.loading.records import Record, records, rows
from orchestrate.loading.rules import DAY_WORDS, TIMES
from orchestrate.loading.stream import PieceStream, refuse_change
from orchestrate.loading.tables import RawTable, copy_from, prepare_session

EXAMINED = "__examined"
PROBLEMS = "casebook__problems"
_CONVERTER = "casebook__as_"
_WRITTEN = "__written"
_REFUSE_DAY_WORDS = f"if written ~* '{DAY_WORDS}' then return null; end if;"

# The text format of COPY, unlike CSV, has no line that ends the data in some versions only.
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def written(column: SeedColumn) -> sql.Identifier:
    """Return the column that holds a value as it was written."""
    return sql.Identifier(column.name + ("" if column.type == "text" else _WRITTEN))


def create_converters(cursor: Cursor, raws: Sequence[RawTable]) -> None:
    """Make a function per type that gives null for what is not of the type.

    Servers before 16 cannot ask whether a text is a valid value; one that fails can be caught.
    Declared immutable for the sake of generated columns: within this transaction they are.
    """
    for type_, converter in _converters(raws):
        cursor.execute(
            sql.SQL(
                "create function {}(written text) returns {}"
                " language plpgsql immutable strict as {}"
            ).format(
                converter,
                sql.SQL(type_),
                sql.Literal(
                    f"begin {_REFUSE_DAY_WORDS if type_.startswith(TIMES) else ''}"
                    f" return written::{type_};"
                    " exception when data_exception then return null; end"
                ),
            )
        )


def drop_converters(cursor: Cursor, raws: Sequence[RawTable]) -> None:
    """Drop the functions again, after the tables that use them."""
    for _, converter in _converters(raws):
        cursor.execute(sql.SQL("drop function {}(text)").format(converter))


def create_examined(cursor: Cursor, raw: RawTable) -> None:
    """Copy a file into a table of its own, with the numbers and lines of its rows.

    A row with another number of fields than the header has no values, but `__damage` says so.

    Raises DataError when lines do not end alike, or when the file changed.
    """
    relation = raw.relation(EXAMINED)
    converters = dict(_converters([raw]))
    columns = [sql.SQL("{} text").format(written(column)) for column in raw.seed.columns]
    columns += [
        sql.SQL("{} {} generated always as ({}({})) stored").format(
            sql.Identifier(column.name),
            sql.SQL(column.type),
            converters[column.type],
            written(column),
        )
        for column in raw.seed.columns
        if column.type != "text"
    ]
    cursor.execute(
        sql.SQL(
            "create unlogged table {} (__record bigint, __line bigint, __last_line bigint,"
            " __damage text, __row text, {})"
        ).format(relation, sql.SQL(", ").join(columns))
    )
    names = sql.SQL(", ").join(map(written, raw.seed.columns))
    prepare_session(cursor, raw.time_zone)
    copy_from(
        cursor,
        sql.SQL(
            "copy {} (__record, __line, __last_line, __damage, __row, {}) from stdin"
            " with (encoding 'UTF8')"
        ).format(relation, names),
        PieceStream(_lines(raw)),
    )
    cursor.execute(sql.SQL("analyze {}").format(relation))


def complaint(raw: RawTable, column: SeedColumn) -> sql.Composable:
    """Return what to say of a value that is not of its column's type."""
    if column.type.startswith(("numeric", "double")):
        # One that is well written may still be too large for its column.
        return sql.SQL("case when {}({}) is null then {} else {} end").format(
            dict(_converters([raw]))["numeric"],
            written(column),
            sql.Literal("is not a number"),
            sql.Literal("is too large a number"),
        )
    for begins, said in (
        ("timestamp", "is not a date and time"),
        ("date", "is not a date"),
        ("boolean", "is neither true nor false"),
    ):
        if column.type.startswith(begins):
            return sql.Literal(said)
    return sql.Literal("is not a number that fits here")


def _converters(raws: Sequence[RawTable]) -> list[tuple[str, sql.Identifier]]:
    types = {column.type for raw in raws for column in raw.seed.columns} - {"text"} | {"numeric"}
    return [
        (type_, sql.Identifier(raws[0].schema, _CONVERTER + re.sub(r"\W", "_", type_)))
        for type_ in sorted(types)
    ]


def _lines(raw: RawTable) -> Iterator[str]:
    """Yield the lines of the COPY: number, lines, damage, the row as it is, the declared values."""
    header = next(records(raw.scanned.path))
    places = [raw.match.place(column.name) for column in raw.seed.columns]
    before = header
    for number, record in rows(raw.scanned.path):
        if before.line_end not in {header.line_end, ""}:
            raise bad_file(
                raw.file,
                "the line ends are mixed; all lines must end alike",
                line=before.last_line,
            )
        before = record
        damage = _damage(record, len(header.fields))
        cells = [
            str(number),
            str(record.first_line),
            str(record.last_line),
            damage,
            _row(record, raw, damage),
            *(None if damage or place is None else record.fields[place] for place in places),
        ]
        # An empty value is a missing one, as in the COPY of the file itself.
        yield "\t".join(cell.translate(_ESCAPED) if cell else "\\N" for cell in cells) + "\n"
    refuse_change(raw.scanned)


def _damage(record: Record, expected: int) -> str | None:
    if len(record.fields) == expected:
        return None
    if not record.fields:
        return "the line is empty"
    fields = "1 field" if len(record.fields) == 1 else f"{len(record.fields)} fields"
    return f"the row has {fields}, the header has {expected}"


def _row(record: Record, raw: RawTable, damage: str | None) -> str | None:
    """Return the row as the file has it, but nothing of columns that are none of ours."""
    if not raw.match.unknown:
        return record.text.rstrip("\r\n")
    if damage is not None:
        return None
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(
        value if name is not None else ""
        for name, value in zip(raw.match.columns, record.fields, strict=True)
    )
    return text.getvalue()
