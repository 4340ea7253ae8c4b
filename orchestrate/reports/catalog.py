"""What a login may read, asked as that login: relations, columns, comments and keys.

Nothing is listed here, so that a relation is in its readers' extracts from the day on which it is
published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg2 import sql

from orchestrate.contracts.marts import VERSION_COLUMN
from orchestrate.driver import Cursor
from orchestrate.errors import DatabaseError
from orchestrate.reports.downloads import safe_name

_RELATIONS = """
select relation.oid, space.nspname, relation.relname, coalesce(obj_description(relation.oid), '')
from pg_class as relation
join pg_namespace as space on space.oid = relation.relnamespace
where relation.relkind in ('r', 'p')
  and space.nspname not in ('pg_catalog', 'information_schema')
  and has_schema_privilege(space.oid, 'usage')
  and has_any_column_privilege(relation.oid, 'select')
order by space.nspname collate "C", relation.relname collate "C"
"""
_COLUMNS = """
select attname, format_type(atttypid, atttypmod), coalesce(col_description(attrelid, attnum), '')
from pg_attribute
where attrelid = %s and attnum > 0 and not attisdropped
  and has_column_privilege(attrelid, attnum, 'select')
order by attnum
"""
_KEY = """
select attribute.attname
from pg_index as index
cross join unnest(index.indkey::smallint[]) with ordinality as key (attnum, place)
join pg_attribute as attribute
    on attribute.attrelid = index.indrelid and attribute.attnum = key.attnum
where index.indrelid = %s and index.indisprimary
order by key.place
"""
_TIMES = ("date", "timestamp with time zone")


@dataclass(frozen=True)
class Column:
    """A column that a login may read: its name, PostgreSQL type and comment."""

    name: str
    data_type: str
    description: str

    @property
    def is_text(self) -> bool:
        """Tell whether its values are text, codes among them."""
        return self.data_type == "text" or self.data_type.startswith("character")


@dataclass(frozen=True)
class Relation:
    """A relation as a login sees it, without the version.

    `file_stem` names its files and sheet; `key` are the columns that its rows are ordered by;
    `spans` say for each of its dates and times the first and last value.
    """

    schema: str
    name: str
    file_stem: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    row_count: int
    spans: tuple[tuple[str, date, date], ...]
    version: int | None

    @property
    def label(self) -> str:
        """The name that SQL knows it by, `schema.name`."""
        return f"{self.schema}.{self.name}"


def readable_relations(cursor: Cursor) -> list[Relation]:
    """Return what the cursor's login may read, by schema and name.

    Raises DatabaseError when rows of several versions are in sight.
    """
    cursor.execute(_RELATIONS)
    found = cursor.fetchall()
    names = Counter(name for _, _, name, _ in found)
    return [
        _relation(cursor, oid, schema, name, description, is_shared=names[name] > 1)
        for oid, schema, name, description in found
    ]


def only_version(relations: Sequence[Relation]) -> int | None:
    """Return the version of all rows, None when there are none."""
    versions = {relation.version for relation in relations} - {None}
    if len(versions) > 1:
        raise DatabaseError(
            "One read of the reporting database showed several versions at once.",
            "This must not happen: run `casebook doctor`, which checks the policies.",
        )
    return versions.pop() if versions else None


def read_in_order(relation: Relation) -> sql.Composed:
    """Return the query for all rows of a relation by its key, text byte by byte.

    A pseudonym is random, so that this order tells nothing of the order in which things happened.
    """
    types = {column.name: column for column in relation.columns}
    order = [
        sql.SQL('{} collate "C"' if types[name].is_text else "{}").format(sql.Identifier(name))
        for name in relation.key
    ]
    return sql.SQL("select {} from {} order by {}").format(
        sql.SQL(", ").join(sql.Identifier(column.name) for column in relation.columns),
        sql.Identifier(relation.schema, relation.name),
        sql.SQL(", ").join(order),
    )


def _relation(
    cursor: Cursor, oid: int, schema: str, name: str, description: str, *, is_shared: bool
) -> Relation:
    cursor.execute(_COLUMNS, (oid,))
    columns = [
        Column(column, data_type, _plain(comment))
        for column, data_type, comment in cursor.fetchall()
    ]
    cursor.execute(_KEY, (oid,))
    key = [column for (column,) in cursor.fetchall()]
    shown = tuple(column for column in columns if column.name != VERSION_COLUMN)
    names = [column.name for column in shown]
    times = [column.name for column in shown if column.data_type in _TIMES]
    has_version = any(column.name == VERSION_COLUMN for column in columns)
    count, versions, ends = _extent(cursor, (schema, name), times, has_version=has_version)
    return Relation(
        schema=schema,
        name=name,
        file_stem=safe_name(f"{schema}_{name}" if is_shared else name),
        description=_plain(description),
        columns=shown,
        # A key whose columns are not all readable cannot order; then all columns do.
        key=tuple(column for column in key if column in names) or tuple(names),
        row_count=count,
        spans=tuple(
            (time, first, last) for time, (first, last) in zip(times, ends, strict=True) if first
        ),
        version=versions,
    )


def _plain(comment: str) -> str:
    """Return a comment without the marks of code that descriptions have for their Markdown."""
    return comment.replace("`", "")


def _extent(
    cursor: Cursor, relation: tuple[str, str], times: Sequence[str], *, has_version: bool
) -> tuple[int, int | None, list[tuple[date, date]]]:
    """Return rows, version (None: no row), and first and last value of each time column."""
    measured = ([VERSION_COLUMN] if has_version else []) + list(times)
    cursor.execute(
        sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(
                [
                    sql.SQL("count(*)"),
                    *(
                        sql.SQL("min({0}), max({0})").format(sql.Identifier(name))
                        for name in measured
                    ),
                ]
            ),
            sql.Identifier(*relation),
        )
    )
    count, *ends = cursor.fetchone() or (0,)
    pairs = list(zip(ends[::2], ends[1::2], strict=True))
    if not has_version:
        return count, None, [(_as_date(low), _as_date(high)) for low, high in pairs]
    low, high = pairs.pop(0)
    if low != high:
        raise DatabaseError(
            f"{'.'.join(relation)} showed versions {low} to {high} at once.",
            "This must not happen: run `casebook doctor`, which checks the policies.",
        )
    return count, low, [(_as_date(first), _as_date(last)) for first, last in pairs]


def _as_date(value: date) -> date:
    """Return the day of a moment, which is in UTC; a day and null as they are."""
    return value.date() if isinstance(value, datetime) else value
