"""What the warehouse holds and from where: the runner's own tables in schema `casebook`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from psycopg2 import errors

from orchestrate.database.connection import (
    LONGEST_STATEMENT,
    ConnectionTarget,
    database_errors,
)
from orchestrate.driver import Connection
from orchestrate.errors import BusyError
from orchestrate.loading.rules import versions
from orchestrate.loading.tables import LoadedTable, RawTable

SAMPLE = "sample"
EXPORT = "export"
LANDED = "landed"
# What the server has counted of the rows of the table `table_oid`.
WRITES = (
    "pg_stat_get_tuples_inserted(table_oid) + pg_stat_get_tuples_updated(table_oid)"
    " + pg_stat_get_tuples_deleted(table_oid)"
)

# What the server may take for a load: with its default, larger files go through the disk.
_MEMORY = {"work_mem": "64MB", "temp_buffers": "64MB"}

# A load waits this long for another one, or for a session that holds a raw table.
_LOCK_TIMEOUT = "30s"

_TABLES = """
create schema if not exists casebook;
create table if not exists casebook.sources (
    domain text primary key,
    source text not null,
    directory text,
    loaded_at timestamptz
);
create table if not exists casebook.raw_tables (
    schema_name text,
    table_name text,
    table_oid oid not null,
    storage oid not null,
    fingerprint text not null,
    file text not null,
    rows bigint not null,
    equal_rows bigint not null,
    size bigint not null,
    sha256 text not null,
    loaded_at timestamptz not null,
    primary key (schema_name, table_name)
)
"""


@dataclass(frozen=True)
class Choice:
    """Which source a domain uses; directory and time are of the export loaded last, if any."""

    source: str
    directory: Path | None
    loaded_at: datetime | None


@contextmanager
def raw_transaction(warehouse: ConnectionTarget) -> Iterator[Connection]:
    """Open the one transaction that may change raw tables; commit at the end of the block.

    Anything raised in the block undoes all of it. Raises BusyError when another load is active,
    DatabaseError when the warehouse cannot be reached or refuses.
    """
    connection = warehouse.connect(
        application_name="casebook load",
        options={"statement_timeout": LONGEST_STATEMENT, **_MEMORY},
    )
    try:
        with (
            database_errors("The warehouse refused the raw tables"),
            _busy_when_locked(),
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("select set_config('lock_timeout', %s, true)", (_LOCK_TIMEOUT,))
            cursor.execute("select to_regclass('casebook.raw_tables') is null")
            if cursor.fetchone() == (True,):
                cursor.execute(_TABLES)
            cursor.execute("lock table casebook.raw_tables in exclusive mode")
            yield connection
    finally:
        connection.close()


@contextmanager
def _busy_when_locked() -> Iterator[None]:
    try:
        yield
    except errors.LockNotAvailable:
        raise BusyError(
            f"Another load or session has held the raw tables for more than {_LOCK_TIMEOUT}.",
            "Wait for it to end, or end it, then load again. Nothing was replaced.",
        ) from None


def fingerprint(raw: RawTable) -> str:
    """Return a hash of all that makes a raw table what it is: content, shape, words, settings."""
    shape = [
        (column.name, column.type, column.description, column.required, repr(column.rules))
        for column in raw.seed.columns
    ]
    content = [raw.sha256, raw.time_zone, raw.date_order, raw.seed.description, shape, versions()]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def held_tables(connection: Connection) -> dict[tuple[str, str], tuple[str, LoadedTable]]:
    """Return fingerprint and table by schema and name, of tables that are as they were loaded.

    A table that was dropped, or filled anew by a plain `dbt seed`, has other storage and is left
    out.
    """
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('casebook.raw_tables') is null")
        if cursor.fetchone() == (True,):
            return {}
        cursor.execute(
            """
            select
                fingerprint, schema_name, table_name, file, rows, equal_rows, size, sha256,
                loaded_at
            from casebook.raw_tables
            inner join pg_catalog.pg_class on pg_class.oid = raw_tables.table_oid
            inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
            where
                pg_namespace.nspname = raw_tables.schema_name
                and pg_class.relname = raw_tables.table_name
                and pg_relation_filenode(pg_class.oid) = raw_tables.storage
            """
        )
        held = {}
        for print_, *values in cursor.fetchall():
            table = replace(LoadedTable(*values), changed=False)
            held[table.schema, table.table] = (print_, table)
        return held


def loaded_and_written(connection: Connection) -> tuple[datetime, int] | None:
    """Return when the last raw table was loaded, and how many rows were ever written into them.

    Rows changed and deleted count, too; after a crash the server begins to count again. None unless
    all raw tables are as they were loaded.
    """
    held = held_tables(connection)
    if not held:
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*), sum({WRITES})::bigint from casebook.raw_tables")
        count, written = cursor.fetchone() or (0, 0)
    if count != len(held):
        return None
    return max(table.loaded_at for _, table in held.values()), written


def record_table(connection: Connection, raw: RawTable, rows: int, equal_rows: int) -> LoadedTable:
    """Note what a raw table now holds, in the transaction that loaded it, once it is in its place.

    The time is that moment's, not that of the transaction's begin: a build that began in between
    has read what was there before.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            delete from casebook.raw_tables
            where schema_name = %(schema)s and table_name = %(table)s;
            insert into casebook.raw_tables
            select
                %(schema)s, %(table)s, pg_class.oid, pg_relation_filenode(pg_class.oid),
                %(fingerprint)s, %(file)s, %(rows)s, %(equal_rows)s, %(size)s, %(sha256)s,
                clock_timestamp()
            from pg_catalog.pg_class
            inner join pg_catalog.pg_namespace on pg_namespace.oid = pg_class.relnamespace
            where pg_namespace.nspname = %(schema)s and pg_class.relname = %(table)s
            returning loaded_at
            """,
            {
                "schema": raw.schema,
                "table": raw.table,
                "fingerprint": fingerprint(raw),
                "file": raw.file,
                "rows": rows,
                "equal_rows": equal_rows,
                "size": raw.size,
                "sha256": raw.sha256,
            },
        )
        (loaded_at,) = cursor.fetchone() or (datetime.min,)
    return LoadedTable(
        schema=raw.schema,
        table=raw.table,
        name=raw.file,
        rows=rows,
        equal_rows=equal_rows,
        size=raw.size,
        sha256=raw.sha256,
        loaded_at=loaded_at,
    )


def read_choices(connection: Connection) -> dict[str, Choice]:
    """Return the choice of each domain that ever used another source than the sample."""
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass('casebook.sources') is null")
        if cursor.fetchone() == (True,):
            return {}
        cursor.execute("select domain, source, directory, loaded_at from casebook.sources")
        return {
            domain: Choice(source, Path(directory) if directory else None, loaded_at)
            for domain, source, directory, loaded_at in cursor.fetchall()
        }


def choose_source(
    connection: Connection, domain: str, source: str, directory: Path | None = None
) -> None:
    """Note that a domain uses `source` from now on, the export loaded from `directory` just now.

    Without a folder, what its export was is kept.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            insert into casebook.sources as former (domain, source, directory, loaded_at)
            values (
                %(domain)s, %(source)s, %(directory)s,
                case when %(directory)s is not null then clock_timestamp() end
            )
            on conflict (domain) do update set
                source = excluded.source,
                directory = coalesce(excluded.directory, former.directory),
                loaded_at = coalesce(excluded.loaded_at, former.loaded_at)
            """,
            {
                "domain": domain,
                "source": source,
                "directory": None if directory is None else str(directory),
            },
        )
