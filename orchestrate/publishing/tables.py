"""The readers' tables: what a contract asks for, what there is, and the way between them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from psycopg2 import sql

from orchestrate.access.policies import POLICIES
from orchestrate.contracts.marts import VERSION_COLUMN, ForeignKey, Mart
from orchestrate.errors import DataError

if TYPE_CHECKING:
    from orchestrate.driver import Cursor

Name = tuple[str, str]

_INTEGERS: Final = ("smallint", "integer", "bigint")
_NUMERIC: Final = re.compile(r"numeric\((\d+),(\d+)\)")
_VERSION_COMMENT: Final = (
    "Published version of the row; a reader sees one value, the current version."
)


@dataclass(frozen=True)
class StoredColumn:
    """A column as stored: type as format_type spells it."""

    data_type: str
    not_null: bool
    comment: str


@dataclass(frozen=True)
class Table:
    """A table: columns in stored order, keys and index columns as tuples of names.

    `foreign_keys` carry the version like the primary key does.
    """

    columns: Mapping[str, StoredColumn]
    primary_key: tuple[str, ...]
    foreign_keys: frozenset[ForeignKey] = frozenset()
    indexes: frozenset[tuple[str, ...]] = frozenset()
    comment: str = ""


def declared_table(mart: Mart, names: Collection[Name]) -> Table:
    """Derive the table of a mart: version, then the contract's columns.

    `names` are those of the tables that are in the same database. A foreign key to another mart,
    which its readers do not have, is left out.
    """
    columns = {VERSION_COLUMN: StoredColumn("bigint", True, _VERSION_COMMENT)}
    for column in mart.columns:
        columns[column.name] = StoredColumn(column.data_type, column.not_null, column.description)
    primary_key = (VERSION_COLUMN, *mart.primary_key)
    foreign_keys = frozenset(
        ForeignKey(
            (VERSION_COLUMN, *key.columns),
            key.to_schema,
            key.to_name,
            (VERSION_COLUMN, *key.to_columns),
        )
        for key in mart.foreign_keys
        if (key.to_schema, key.to_name) in names
    )
    indexes = frozenset(
        key.columns for key in foreign_keys if primary_key[: len(key.columns)] != key.columns
    )
    return Table(columns, primary_key, foreign_keys, indexes, mart.description)


def create_table(place: Name, table: Table) -> Iterator[sql.Composable]:
    """Return the statements that make a table at a place, but for its foreign keys.

    The publisher vacuums and analyses itself:
    the server would at moments of its own, which would show in what readers are told of it.
    """
    relation = sql.Identifier(*place)
    columns = [_column(column, stored) for column, stored in table.columns.items()]
    yield sql.SQL(
        "create table {} ({}, primary key ({})) with (autovacuum_enabled = false)"
    ).format(relation, sql.SQL(", ").join(columns), _names(table.primary_key))
    yield sql.SQL("alter table {} enable row level security").format(relation)
    for policy, kind, condition in POLICIES:
        yield sql.SQL(f"create policy {policy} on {{}} as {kind} using ({condition})").format(
            relation
        )
    for names in sorted(table.indexes):
        yield sql.SQL("create index on {} ({})").format(relation, _names(names))
    yield _comment("table", relation, table.comment)
    for column, stored in table.columns.items():
        yield _comment("column", sql.Identifier(*place, column), stored.comment)


def add_foreign_keys(
    name: Name, keys: Iterable[ForeignKey], places: Mapping[Name, Name], *, is_new: bool
) -> Iterator[sql.Composable]:
    """Return the statements that add foreign keys; `places` says where a parent stands meanwhile.

    Those of a table that is not new are not valid for the rows of earlier versions, which were
    published without them and are left alone.
    """
    for key in sorted(keys, key=repr):
        parent = places.get((key.to_schema, key.to_name), (key.to_schema, key.to_name))
        yield sql.SQL("alter table {} add foreign key ({}) references {} ({}){}").format(
            sql.Identifier(*name),
            _names(key.columns),
            sql.Identifier(*parent),
            _names(key.to_columns),
            sql.SQL("" if is_new else " not valid"),
        )


def alter_table(name: Name, wanted: Table, present: Table) -> Iterator[sql.Composable]:
    """Return the statements for what can change under the eyes of readers: indexes and comments."""
    relation = sql.Identifier(*name)
    for names in sorted(wanted.indexes - present.indexes):
        yield sql.SQL("create index on {} ({})").format(relation, _names(names))
    if wanted.comment != present.comment:
        yield _comment("table", relation, wanted.comment)
    for column, stored in wanted.columns.items():
        if stored.comment != present.columns[column].comment:
            yield _comment("column", sql.Identifier(*name, column), stored.comment)


def has_other_form(wanted: Table, present: Table) -> bool:
    """Tell whether readers would have to be kept out to give the table the wanted form.

    That is with a new column, a wider type, a column that may be null by now, a foreign key or an
    index less. Raises nothing: see `refuse_what_breaks`.
    """
    return (
        wanted.columns.keys() != present.columns.keys()
        or any(
            stored.data_type != present.columns[column].data_type
            or (present.columns[column].not_null and not stored.not_null)
            for column, stored in wanted.columns.items()
        )
        or not present.foreign_keys <= wanted.foreign_keys
        or not present.indexes <= wanted.indexes
    )


def grown_table(wanted: Table, present: Table) -> Table:
    """Return the wanted form as earlier versions can fill it: they hold no value for new columns.

    That the new version holds one, where the contract wants one, the warehouse has seen to.
    """
    # Columns stay where `select *` shows them, and new ones come last.
    names = [*present.columns, *(name for name in wanted.columns if name not in present.columns)]
    columns = {}
    for name in names:
        stored, before = wanted.columns[name], present.columns.get(name)
        not_null = stored.not_null and before is not None and before.not_null
        columns[name] = replace(stored, not_null=not_null)
    return replace(wanted, columns=columns)


def refuse_what_breaks(name: Name, wanted: Table, present: Table) -> None:
    """Raise DataError for a change that readers' tools, which hold on to the table, could not bear.

    That is a column that is gone, narrower, of another kind of type or in another primary key.
    """
    relation = ".".join(name)
    reasons = [
        f"column {column} is gone" for column in present.columns if column not in wanted.columns
    ]
    reasons += [
        f"column {column} would turn from {stored.data_type}"
        f" into {wanted.columns[column].data_type}"
        for column, stored in present.columns.items()
        if column in wanted.columns
        and not is_wider_or_same(stored.data_type, wanted.columns[column].data_type)
    ]
    if wanted.primary_key != present.primary_key:
        reasons.append(
            f"its key would turn from ({', '.join(present.primary_key)})"
            f" into ({', '.join(wanted.primary_key)})"
        )
    if reasons:
        raise DataError(
            f"{relation} cannot be published under its name: {'; '.join(reasons)}.",
            "Readers' tools rely on what was published. Put the old contract back and publish the"
            " change as a new column or a new mart; or, when nobody needs the old form and its"
            f" earlier versions, drop it (`set role casebook_owner; drop table {relation} cascade;`"
            " as casebook_publisher in each scope's database) and publish again.",
        )


def is_wider_or_same(old: str, new: str) -> bool:
    """Tell whether every value of the old type is, unchanged, one of the new type."""
    if old == new:
        return True
    if old in _INTEGERS and new in _INTEGERS:
        return _INTEGERS.index(old) < _INTEGERS.index(new)
    before, after = _NUMERIC.fullmatch(old), _NUMERIC.fullmatch(new)
    if before and after:
        old_precision, old_scale = map(int, before.groups())
        new_precision, new_scale = map(int, after.groups())
        return new_scale == old_scale and new_precision > old_precision
    return False


def _column(name: str, stored: StoredColumn) -> sql.Composable:
    return sql.SQL("{} {}{}").format(
        sql.Identifier(name),
        # One of the closed set of types that contracts may use.
        sql.SQL(stored.data_type),
        sql.SQL(" not null" if stored.not_null else ""),
    )


def _comment(kind: str, target: sql.Identifier, text: str) -> sql.Composable:
    return sql.SQL(f"comment on {kind} {{}} is {{}}").format(target, sql.Literal(text))


def _names(columns: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def live_tables(cursor: Cursor) -> dict[Name, Table]:
    """Read the tables of all schemas but the server's own and `private`."""
    cursor.execute("set local search_path to pg_catalog")
    cursor.execute(_LIVE)
    return {
        (schema, name): Table(
            {column: StoredColumn(*stored) for column, *stored in columns},
            next((tuple(names) for names, parent, _ in keys if parent is None), ()),
            frozenset(
                ForeignKey(tuple(names), parent[0], parent[1], tuple(to_names))
                for names, parent, to_names in keys
                if parent is not None
            ),
            frozenset(map(tuple, indexes)),
            comment,
        )
        for schema, name, comment, columns, keys, indexes in cursor.fetchall()
    }


def _column_names(table: str, numbers: str) -> str:
    """Return SQL for an array of the names of a table's columns, given their numbers."""
    return f"""(
        select jsonb_agg(attname order by position)
        from unnest({numbers}) with ordinality as key (attnum, position)
        inner join pg_attribute on attrelid = {table} and pg_attribute.attnum = key.attnum
    )"""


_LIVE: Final = f"""
    select
        nspname,
        relname,
        coalesce(obj_description(relation.oid, 'pg_class'), ''),
        (
            select jsonb_agg(
                jsonb_build_array(
                    attname, format_type(atttypid, atttypmod), attnotnull,
                    coalesce(col_description(attrelid, attnum), '')
                )
                order by attnum
            )
            from pg_attribute
            where attrelid = relation.oid and attnum > 0 and not attisdropped
        ),
        (
            select coalesce(jsonb_agg(jsonb_build_array(
                {_column_names("conrelid", "conkey")},
                (
                    select jsonb_build_array(schemas.nspname, parent.relname)
                    from pg_class as parent
                    inner join pg_namespace as schemas on schemas.oid = parent.relnamespace
                    where parent.oid = confrelid
                ),
                {_column_names("confrelid", "confkey")}
            )), '[]')
            from pg_constraint
            where conrelid = relation.oid and contype in ('p', 'f')
        ),
        (
            select coalesce(jsonb_agg({_column_names("indrelid", "indkey::smallint[]")}), '[]')
            from pg_index
            where indrelid = relation.oid and not indisprimary and indexprs is null
        )
    from pg_class as relation
    inner join pg_namespace on pg_namespace.oid = relnamespace
    where relkind = 'r'
        and nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'private')
        and not starts_with(nspname, 'pg_temp_')
"""
