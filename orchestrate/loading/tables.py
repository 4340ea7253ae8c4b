"""Raw files into raw tables: one transaction, COPY of the bytes as they are, then a swap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812  (a class, named so upstream)
from psycopg2.extensions import cursor as Cursor  # noqa: N812  (the same)

from orchestrate.building.manifest import SeedColumn, SeedDefinition
from orchestrate.console import Task
from orchestrate.errors import ConfigurationError
from orchestrate.loading.diagnosis import FINITE, REQUIRED, explain
from orchestrate.loading.headers import HeaderMatch
from orchestrate.loading.scan import CHUNK, ScannedFile
from orchestrate.loading.stream import CopyStream

_LOADING = "__loading"
_TRIMMED = "__trimmed"


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


def fill(connection: Connection, raw: RawTable, task: Task) -> tuple[int, int]:
    """Copy a file into a new table beside the one it will replace; return rows and equal rows.

    Raises DataError, with file, line and column, when a row cannot be taken.
    """
    with connection.cursor() as cursor:
        prepare_session(cursor, raw.time_zone)
        loading = sql.Identifier(raw.schema, raw.table + _LOADING)
        cursor.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(raw.schema)))
        cursor.execute(sql.SQL("drop table if exists {}").format(loading))
        cursor.execute(_create(loading, raw))
        rows = _copy(cursor, loading, raw)
        _drop_checks(cursor, loading, raw.seed)
        if raw.match.unknown:
            _trim(cursor, loading, raw)
        cursor.execute(_count_equal_rows(loading, raw.seed))
        (equal_rows,) = cursor.fetchone() or (0,)
    task.advance(raw.scanned.name)
    return rows, int(equal_rows)


def swap(connection: Connection, raw: RawTable) -> None:
    """Put the new table in the place of the old one.

    The staging views on the old one go with it (dbt makes them anew in every build).
    """
    table = sql.Identifier(raw.schema, raw.table)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop table if exists {} cascade").format(table))
        cursor.execute(
            sql.SQL("alter table {} rename to {}").format(
                sql.Identifier(raw.schema, raw.table + _LOADING), sql.Identifier(raw.table)
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
        cursor.execute(sql.SQL("analyze {}").format(table))


def _create(loading: sql.Identifier, raw: RawTable) -> sql.Composed:
    """Columns in the file's order, as dbt's own seed makes them, and checks of their values."""
    declared = {column.name: column for column in raw.seed.columns}
    columns = [
        sql.SQL("{} {}").format(
            sql.Identifier(name), sql.SQL(declared[name].type if name in declared else "text")
        )
        for name in _file_columns(raw.match)
    ]
    checks = [
        sql.SQL("constraint {} check ({})").format(sql.Identifier(name), condition)
        for name, condition in _checks(raw.seed.columns)
    ]
    return sql.SQL("create table {} ({})").format(loading, sql.SQL(", ").join(columns + checks))


def _checks(columns: Sequence[SeedColumn]) -> list[tuple[str, sql.Composable]]:
    """Conditions by name: required values are there, and numbers and times are finite."""
    checks: list[tuple[str, sql.Composable]] = []
    for column in columns:
        name = sql.Identifier(column.name)
        if column.required:
            condition = (
                "btrim({0}) <> '' and {0} is not null"
                if column.type == "text"
                else ("{0} is not null")
            )
            checks.append((REQUIRED + column.name, sql.SQL(condition).format(name)))
        if column.type.startswith(("date", "timestamp")):
            checks.append((FINITE + column.name, sql.SQL("isfinite({})").format(name)))
        elif column.type.startswith(("numeric", "double")):
            condition = "{} not in ('NaN', 'Infinity', '-Infinity')"
            checks.append((FINITE + column.name, sql.SQL(condition).format(name)))
    return checks


def _file_columns(match: HeaderMatch) -> list[str]:
    """Names for all columns of the file; an unknown one is called by its position."""
    return [
        name if name is not None else f"unknown_{position}"
        for position, name in enumerate(match.columns, start=1)
    ]


def _copy(cursor: Cursor, loading: sql.Identifier, raw: RawTable) -> int:
    names = sql.SQL(", ").join(map(sql.Identifier, _file_columns(raw.match)))
    # Quoted or not, nothing between two commas is a missing value.
    command = sql.SQL(
        "copy {} ({}) from stdin with (format csv, header true, force_null ({}), encoding 'UTF8')"
    ).format(loading, names, names)
    with CopyStream(raw.scanned) as stream:
        try:
            cursor.copy_expert(command, stream, size=CHUNK)
        except psycopg2.Error as error:
            if stream.error is not None:
                raise stream.error from None
            # Neither chained nor logged: the database's message quotes the row.
            raise explain(error, raw.scanned, raw.match, raw.seed) from None
    return cursor.rowcount


def _drop_checks(cursor: Cursor, loading: sql.Identifier, seed: SeedDefinition) -> None:
    """Leave the table as dbt would have made it, so that a plain `dbt seed` can refill it."""
    checks = _checks(seed.columns)
    if checks:
        drops = [sql.SQL("drop constraint {}").format(sql.Identifier(name)) for name, _ in checks]
        cursor.execute(sql.SQL("alter table {} {}").format(loading, sql.SQL(", ").join(drops)))


def _trim(cursor: Cursor, loading: sql.Identifier, raw: RawTable) -> None:
    """Keep no byte of unknown columns: dropping them alone would leave their values on disk."""
    trimmed = sql.Identifier(raw.schema, raw.table + _TRIMMED)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in raw.seed.columns)
    cursor.execute(sql.SQL("create table {} as select {} from {}").format(trimmed, names, loading))
    cursor.execute(sql.SQL("drop table {}").format(loading))
    cursor.execute(
        sql.SQL("alter table {} rename to {}").format(trimmed, sql.Identifier(raw.table + _LOADING))
    )


def _count_equal_rows(loading: sql.Identifier, seed: SeedDefinition) -> sql.Composed:
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in seed.columns)
    return sql.SQL(
        "select coalesce(sum(copies - 1), 0)"
        " from (select count(*) as copies from {} group by {} having count(*) > 1) as repeated"
    ).format(loading, names)
