"""Raw files into raw tables: one transaction, COPY of the bytes as they are, then a swap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import psycopg2
from psycopg2 import sql

from orchestrate.building.manifest import SeedColumn, SeedDefinition
from orchestrate.console import Task
from orchestrate.driver import Connection, Cursor
from orchestrate.errors import ConfigurationError, DatabaseError
from orchestrate.loading.headers import HeaderMatch
from orchestrate.loading.scan import CHUNK, ScannedFile
from orchestrate.loading.stream import CopyStream, PieceStream, Stream

# What follows the name of a table while it is filled and checked.
LOADING = "__loading"
_TRIMMED = "__trimmed"
# Of rows that are odd, the lines of this many are told.
PLACES = 5


@dataclass(frozen=True)
class RawTable:
    """What to load where: a scanned file into `schema`.`seed.alias`, in the shape of the seed."""

    seed: SeedDefinition
    schema: str
    scanned: ScannedFile
    match: HeaderMatch
    time_zone: str

    @property
    def table(self) -> str:
        """The table's name, without schema."""
        return self.seed.alias

    @property
    def file(self) -> str:
        """The file's name."""
        return self.scanned.name

    def relation(self, suffix: str = "") -> sql.Identifier:
        """Return the table, or the one beside it whose name ends in `suffix`."""
        return sql.Identifier(self.schema, self.table + suffix)

    def column(self, name: str) -> SeedColumn:
        """Return the declared column of this name."""
        return next(column for column in self.seed.columns if column.name == name)


@dataclass(frozen=True)
class Filled:
    """What a COPY put into a table, in the order of the file.

    `equal_rows` repeat another row in every column; `repeats` are the places (ctid) of some.
    """

    rows: int
    equal_rows: int
    repeats: tuple[str, ...]


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


def prepare_session(cursor: Cursor, time_zone: str) -> None:
    """Make the transaction read zone-less timestamps in `time_zone`, and dates as month/day/year.

    Raises ConfigurationError for a zone that the server does not know.
    """
    cursor.execute("set local datestyle = 'ISO, MDY'")
    try:
        cursor.execute("select set_config('TimeZone', %s, true)", (time_zone,))
    except psycopg2.DataError:
        raise ConfigurationError(
            f"source_time_zone {time_zone!r} is not a time zone that PostgreSQL knows.",
            "Name one like America/New_York in dbt_project.yml.",
        ) from None


def fill(
    connection: Connection, raw: RawTable, task: Task, pieces: Iterable[str] | None = None
) -> Filled | None:
    """Copy a file into a new table beside the one it will replace; None: its rows do not fit.

    That is where a value is not of its column's type or a row has not as many fields as the header.
    The transaction can go on then. With `pieces` they are copied, in place of all of the file.

    Raises DataError when the file changes meanwhile, DatabaseError when the warehouse refuses.
    """
    loading = raw.relation(LOADING)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(raw.schema)))
        prepare_session(cursor, raw.time_zone)
        cursor.execute(sql.SQL("drop table if exists {}").format(loading))
        cursor.execute(_create(loading, raw))
        cursor.execute("savepoint filling")
        try:
            rows = _copy(cursor, loading, raw, pieces)
        except psycopg2.DataError:
            # Not logged either: the database's message quotes the row.
            cursor.execute("rollback to savepoint filling")
            return None
        cursor.execute("release savepoint filling")
        cursor.execute(sql.SQL("analyze {}").format(loading))
        cursor.execute(_count_equal_rows(loading, raw.seed))
        equal_rows, repeats = cursor.fetchone() or (0, None)
    task.advance(raw.file)
    return Filled(rows, int(equal_rows), tuple(repeats or ()))


def swap(connection: Connection, raw: RawTable) -> None:
    """Put the new table in the place of the old one.

    The staging views on the old one go with it (dbt makes them anew in every build).
    """
    table = raw.relation()
    with connection.cursor() as cursor:
        if raw.match.unknown:
            _trim(cursor, raw)
        cursor.execute(sql.SQL("drop table if exists {} cascade").format(table))
        cursor.execute(
            sql.SQL("alter table {} rename to {}").format(
                raw.relation(LOADING), sql.Identifier(raw.table)
            )
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


def _create(loading: sql.Identifier, raw: RawTable) -> sql.Composed:
    """Columns in the file's order, as dbt's own seed makes them, then those that it lacks."""
    declared = raw.seed.column_types
    lacking = [name for name in declared if raw.match.place(name) is None]
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(declared.get(name, "text")))
        for name in [*_file_columns(raw.match), *lacking]
    ]
    return sql.SQL("create table {} ({})").format(loading, sql.SQL(", ").join(columns))


def _file_columns(match: HeaderMatch) -> list[str]:
    """Names for all columns of the file; an unknown one is called by its position."""
    return [
        name if name is not None else f"unknown_{position}"
        for position, name in enumerate(match.columns, start=1)
    ]


def _copy(
    cursor: Cursor, loading: sql.Identifier, raw: RawTable, pieces: Iterable[str] | None
) -> int:
    names = sql.SQL(", ").join(map(sql.Identifier, _file_columns(raw.match)))
    # Quoted or not, nothing between two commas is a missing value.
    command = sql.SQL(
        "copy {} ({}) from stdin with (format csv, header true, force_null ({}), encoding 'UTF8')"
    ).format(loading, names, names)
    copy_from(cursor, command, CopyStream(raw.scanned) if pieces is None else PieceStream(pieces))
    return cursor.rowcount


def copy_from(cursor: Cursor, command: sql.Composed, stream: Stream) -> None:
    """Run a COPY that reads a stream, and close the stream.

    Raises what the stream raised; psycopg2.DataError; DatabaseError for any other refusal.
    """
    with stream:
        try:
            cursor.copy_expert(command, stream, size=CHUNK)
        except psycopg2.Error as error:
            if stream.error is not None:
                raise stream.error from None
            if isinstance(error, psycopg2.DataError):
                raise
            primary = error.diag.message_primary or "no reason given"
            raise DatabaseError(
                f"The warehouse refused the rows: {primary}.", "Nothing was replaced."
            ) from None


def _trim(cursor: Cursor, raw: RawTable) -> None:
    """Keep no byte of unknown columns: dropping them alone would leave their values on disk."""
    loading, trimmed = raw.relation(LOADING), raw.relation(_TRIMMED)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in raw.seed.columns)
    cursor.execute(sql.SQL("create table {} as select {} from {}").format(trimmed, names, loading))
    cursor.execute(sql.SQL("drop table {}").format(loading))
    cursor.execute(sql.SQL("analyze {}").format(trimmed))
    cursor.execute(
        sql.SQL("alter table {} rename to {}").format(trimmed, sql.Identifier(raw.table + LOADING))
    )


def _count_equal_rows(loading: sql.Identifier, seed: SeedDefinition) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in seed.columns)
    return sql.SQL(
        "select coalesce(sum(copies - 1), 0),"
        " (array_agg(last_place order by last_place))[1:{}]::text[]"
        " from (select count(*) as copies, max(ctid) as last_place"
        " from {} group by {} having count(*) > 1) as repeated"
    ).format(sql.Literal(PLACES), loading, names)
