"""Tables that Airbyte landed in the warehouse: whether a build can read them, and what it took.

Airbyte lands as a role of its own and replaces its tables whenever it likes. What counts of their
records is decided in the project's models/landed; here is only what has to be there before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg2 import sql

from orchestrate.building.manifest import Manifest, SeedColumn, SourceTable
from orchestrate.database import Databases
from orchestrate.driver import Connection
from orchestrate.errors import ConfigurationError, DatabaseError, DataError
from orchestrate.loading import state
from orchestrate.loading.headers import comparable

# Where the models of models/landed are built, each called landed_<domain>__<table>, and for each
# domain landed_<domain>_verdicts.
BUILT_SCHEMA = "landed"
RAW_ID = "_airbyte_raw_id"
EXTRACTED_AT = "_airbyte_extracted_at"
_MARK = f"""
    select concat_ws(' ', table_oid, pg_relation_filenode(table_oid), {state.WRITES})
    from (
        select pg_class.oid as table_oid from pg_catalog.pg_class
        inner join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
        where nspname = %s and relname = %s and relkind = 'r'
    ) as landed
"""
_SYNC_AGAIN = "Sync it in Airbyte, then try again. Nothing was changed."


@dataclass(frozen=True)
class LandedTable:
    """A table of Airbyte's: its records, and when the last one was extracted (None without any).

    `mark` is another one after anything was written, None where that cannot be told, as of a view.
    """

    name: str
    rows: int
    extracted_at: datetime | None
    mark: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What is wrong or odd in the records of a landed table, as the last build found it.

    `column` is None where it is about whole records. While records are refused nothing is
    published; otherwise this is only told. `kind` is the rule's name, or what happened; `example`
    is the _airbyte_raw_id of one of them, None of records that do not count.
    """

    domain: str
    table: str
    column: str | None
    kind: str
    is_refused: bool
    reason: str
    records: int
    example: str | None

    def __str__(self) -> str:
        column = "" if self.column is None else f", column {self.column}"
        found = "1 record" if self.records == 1 else f"{self.records:,} records"
        told = f"{self.domain} {self.table}{column}: {self.reason}: {found}"
        if self.example is None:
            return told
        return f"{told} ({'' if self.records == 1 else 'for example '}{RAW_ID} {self.example})"


def use_landed(databases: Databases, manifest: Manifest, domain: str) -> tuple[LandedTable, ...]:
    """Let a domain be built from its landed tables from now on; returns what they hold now.

    Raises what `check_landed` raises; then the domain keeps its source.
    """
    tables = check_landed(databases, manifest, domain)
    with state.raw_transaction(databases.warehouse) as connection:
        state.choose_source(connection, domain, state.LANDED)
    return tables


def check_landed(databases: Databases, manifest: Manifest, domain: str) -> tuple[LandedTable, ...]:
    """Check that the landed tables of a domain are there, can be read and have what they need.

    `manifest` is of a project whose domain is landed: its source `<domain>_landed` names the
    tables, the seeds their columns. Return each table with all of its records, superseded ones
    included. Raises ConfigurationError without the schema, DataError naming the tables or columns
    that are missing, there twice or empty, DatabaseError with the grants that are missing.
    """
    tables = manifest.landed_tables(domain)
    declared = {seed.alias: seed.columns for seed in manifest.domain_seeds(domain)}
    builder = databases.warehouse.user
    with databases.warehouse.session() as connection:
        _require_schema(connection, tables[0].schema, domain, builder)
        columns = _readable_columns(connection, tables, builder)
        problems = [
            problem
            for table in tables
            for problem in _column_problems(table, columns[table.identifier], declared[table.table])
        ]
        if problems:
            raise DataError("; ".join(problems) + ".", _SYNC_AGAIN)
        held = tuple(
            _read(connection, table.table, table.schema, table.identifier, EXTRACTED_AT)
            for table in tables
        )
    empty = [table.name for table in held if not table.rows]
    if empty:
        raise DataError(
            f"{', '.join(empty)} in {tables[0].schema}: the landed table has no records.",
            _SYNC_AGAIN,
        )
    return held


def built_tables(connection: Connection, domain: str) -> tuple[LandedTable, ...]:
    """Return what the last build took of each landed table of a domain; none before the first."""
    prefix = f"landed_{domain}__"
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_catalog.pg_class"
            " inner join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace"
            " where nspname = %s and relkind = 'r' and starts_with(relname, %s) order by relname",
            (BUILT_SCHEMA, prefix),
        )
        names = [name for (name,) in cursor.fetchall()]
    return tuple(
        _read(connection, name.removeprefix(prefix), BUILT_SCHEMA, name, "extracted_at")
        for name in names
    )


def read_verdicts(connection: Connection, domain: str) -> tuple[Verdict, ...]:
    """Return what the last build found wrong or odd in the landed records of a domain.

    What is refused comes first. None before the first build from landed tables.
    """
    relation = sql.Identifier(BUILT_SCHEMA, f"landed_{domain}_verdicts")
    with connection.cursor() as cursor:
        cursor.execute("select to_regclass(%s) is null", (relation.as_string(cursor),))
        if cursor.fetchone() == (True,):
            return ()
        cursor.execute(
            sql.SQL(
                "select table_name, column_name, kind, is_refused, reason, record_count,"
                " example_record from {}"
                " order by is_refused desc, table_name, column_name nulls first, reason"
            ).format(relation)
        )
        return tuple(Verdict(domain, *values) for values in cursor.fetchall())


def _require_schema(connection: Connection, schema: str, domain: str, builder: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select has_schema_privilege(oid, 'USAGE') from pg_catalog.pg_namespace"
            " where nspname = %s",
            (schema,),
        )
        found = cursor.fetchone()
    if found is None:
        raise ConfigurationError(
            f"The warehouse has no schema {schema}, in which Airbyte is to land the {domain}"
            " tables.",
            "Let Airbyte land them there, or name their schema in `landed_schema` of"
            " dbt_project.yml.",
        )
    if found != (True,):
        raise DatabaseError(
            f"{builder} may not use the schema {schema}, in which Airbyte lands the {domain}"
            " tables.",
            f"Let its owner run: grant usage on schema {schema} to {builder};",
        )


def _readable_columns(
    connection: Connection, tables: Sequence[SourceTable], builder: str
) -> dict[str, list[str]]:
    """Return the columns of each landed table; raise unless all are there and can be read."""
    schema = tables[0].schema
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname, pg_get_userbyid(relowner),"
            " has_table_privilege(pg_class.oid, 'SELECT'), array(select attname::text"
            " from pg_catalog.pg_attribute where attrelid = pg_class.oid and attnum > 0"
            " and not attisdropped order by attnum) from pg_catalog.pg_class"
            " inner join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace"
            " where nspname = %s and relkind in ('r', 'p', 'v', 'm', 'f')",
            (schema,),
        )
        found = {name: values for name, *values in cursor.fetchall()}
    missing = [table.identifier for table in tables if table.identifier not in found]
    if missing:
        written = {comparable(name): name for name in found}
        others = sorted(written[name] for name in map(comparable, missing) if name in written)
        there = f" There is {', '.join(map(repr, others))}." if others else ""
        raise DataError(
            f"{schema} has no table {' and no '.join(missing)}.{there}",
            "Give the streams in Airbyte these names, and sync. Nothing was changed.",
        )
    closed = [table.identifier for table in tables if not found[table.identifier][1]]
    if closed:
        owners = sorted({found[name][0] for name in closed})
        names = ", ".join(f"{schema}.{name}" for name in closed)
        # Airbyte makes its tables anew, and a new table has none of the old one's grants.
        later = [
            f"alter default privileges for role {owner} in schema {schema}"
            f" grant select on tables to {builder};"
            for owner in owners
        ]
        raise DatabaseError(
            f"{builder} may not read {names}.",
            f"Let {' and '.join(owners)} run: grant select on {names} to {builder};"
            f" {' '.join(later)}",
        )
    return {table.identifier: found[table.identifier][2] for table in tables}


def _column_problems(
    table: SourceTable, landed: Sequence[str], declared: Sequence[SeedColumn]
) -> list[str]:
    """Say which columns a landed table lacks or has in two spellings; others are left alone."""
    place = f"{table.schema}.{table.identifier}"
    written = [comparable(name) for name in landed]
    missing = [name for name in (RAW_ID, EXTRACTED_AT) if name not in landed]
    missing += [
        column.name
        for column in declared
        if comparable(column.name) not in written and not column.optional
    ]
    twice = [column.name for column in declared if written.count(comparable(column.name)) > 1]
    problems = []
    if missing:
        problems.append(f"{place} lacks {', '.join(missing)}")
    if twice:
        problems.append(f"{place} has in two spellings {', '.join(twice)}")
    return problems


def _read(
    connection: Connection, name: str, schema: str, identifier: str, extracted_at: str
) -> LandedTable:
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("select count(*), max({}) from {}").format(
                sql.Identifier(extracted_at), sql.Identifier(schema, identifier)
            )
        )
        rows, last = cursor.fetchone() or (0, None)
        cursor.execute(_MARK, (schema, identifier))
        (mark,) = cursor.fetchone() or (None,)
    return LandedTable(name, rows, last, mark)
