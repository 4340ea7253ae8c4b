"""What the rules of raw tables are in SQL: one wording for the fast look and the close one.

Keys and references are compared without blanks around them, as the staging models do.
"""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2 import sql

from orchestrate.building.manifest import SeedColumn
from orchestrate.driver import Cursor
from orchestrate.loading.records import rows
from orchestrate.loading.tables import LOADING, RawTable

TIMES = ("date", "timestamp")
# PostgreSQL takes these for days, and most of them for the day of the load. No time zone's name
# holds one of them.
DAY_WORDS = "now|today|tomorrow|yesterday|epoch"
_DAY_WORDS = re.compile(DAY_WORDS, re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """A column of one file whose values have to be in the key of another one."""

    child: RawTable
    column: SeedColumn
    parent: RawTable
    parent_column: SeedColumn

    def condition(self, child: str, parent: str) -> sql.Composed:
        """Return the join of both tables, given their aliases in the query."""
        return sql.SQL("{} = {}").format(key(self.parent_column, parent), key(self.column, child))


def key(column: SeedColumn, alias: str | None = None) -> sql.Composed:
    """Return the expression by which values of a key or reference are compared."""
    name = sql.Identifier(column.name) if alias is None else sql.Identifier(alias, column.name)
    return sql.SQL("nullif(btrim({}), '')").format(name)


def links(raws: Sequence[RawTable]) -> list[Link]:
    """Return the references between these tables, those of a table before those to it."""
    by_seed = {raw.seed.name: raw for raw in raws}
    found: dict[str, list[Link]] = {raw.seed.name: [] for raw in raws}
    for raw in raws:
        for column in raw.seed.columns:
            reference = column.rules.reference
            if reference is not None and reference.seed in by_seed:
                parent = by_seed[reference.seed]
                found[raw.seed.name].append(
                    Link(raw, column, parent, parent.column(reference.column))
                )
    order = graphlib.TopologicalSorter(
        {name: [link.parent.seed.name for link in own] for name, own in found.items()}
    )
    return [link for name in order.static_order() for link in found[name]]


def keys(raw: RawTable) -> list[SeedColumn]:
    """Return the columns of which no two rows may share a value."""
    return [column for column in raw.seed.columns if column.rules.key]


def breaches(column: SeedColumn, written: sql.Composable) -> Iterator[tuple[sql.Composed, str]]:
    """Yield what is wrong with a value of the right type: condition and reason, in this order.

    `written` is the expression of the value as it was written; a null breaks only `required`.
    """
    name = sql.Identifier(column.name)
    if column.required:
        yield lacking(written), "a value is required"
    if column.type.startswith(TIMES):
        yield sql.SQL("not isfinite({})").format(name), "is not finite"
    elif column.type.startswith(("numeric", "double")):
        infinite = "{} in ('NaN', 'Infinity', '-Infinity')"
        yield sql.SQL(infinite).format(name), "is not finite"
    is_time = column.type.startswith(TIMES)
    for limit, sign, word in (
        (column.rules.minimum, "<", "before" if is_time else "less than"),
        (column.rules.maximum, ">", "after" if is_time else "more than"),
    ):
        if limit is not None:
            beyond = sql.SQL("{} {} {}::{}").format(
                name, sql.SQL(sign), sql.Literal(limit), sql.SQL(column.type)
            )
            yield beyond, f"is {word} {limit}"
    if column.rules.not_before is not None:
        other = sql.Identifier(column.rules.not_before)
        yield sql.SQL("{} < {}").format(name, other), f"is before {column.rules.not_before}"


def lacking(written: sql.Composable) -> sql.Composed:
    """Return the condition that nothing, or nothing but blanks, was written."""
    return sql.SQL("coalesce(btrim({}::text), '') = ''").format(written)


def rows_are_sound(cursor: Cursor, raw: RawTable) -> bool:
    """Tell whether no row of the table being loaded breaks a rule by itself."""
    conditions = [
        condition
        for column in raw.seed.columns
        for condition, _ in breaches(column, sql.Identifier(column.name))
    ]
    if not conditions:
        return True
    return _finds_nothing(
        cursor,
        sql.SQL("select from {} where {}").format(
            raw.relation(LOADING), sql.SQL(" or ").join(conditions)
        ),
    )


def names_days(cursor: Cursor, raw: RawTable) -> bool:
    """Tell whether a time in the file, all of which was copied, is a word like `today`.

    The table has no texts of its times any more. The file is read for them only when the table has
    a time that such a word can have become.
    """
    times = [column for column in raw.seed.columns if column.type.startswith(TIMES)]
    if not times:
        return False
    meant = sql.SQL("{0}::date between current_date - 2 and current_date + 2 or {0} = 'epoch'::{1}")
    query = sql.SQL("select from {} where {}").format(
        raw.relation(LOADING),
        sql.SQL(" or ").join(
            meant.format(sql.Identifier(column.name), sql.SQL(column.type)) for column in times
        ),
    )
    if _finds_nothing(cursor, query):
        return False
    found = [raw.match.place(column.name) for column in times]
    places = [place for place in found if place is not None]
    return any(
        _DAY_WORDS.search(record.fields[place])
        for _, record in rows(raw.scanned.path)
        for place in places
    )


def relations_are_sound(cursor: Cursor, raws: Sequence[RawTable]) -> bool:
    """Tell whether keys of the tables being loaded are unique and all references lead to one."""
    repeated = [
        sql.SQL("select from {} group by {} having count({}) > 1").format(
            raw.relation(LOADING), key(column), key(column)
        )
        for raw in raws
        for column in keys(raw)
    ]
    orphaned = [
        sql.SQL(
            "select from {} as child where {} is not null"
            " and not exists (select from {} as parent where {})"
        ).format(
            link.child.relation(LOADING),
            key(link.column, "child"),
            link.parent.relation(LOADING),
            link.condition("child", "parent"),
        )
        for link in links(raws)
    ]
    return all(_finds_nothing(cursor, query) for query in [*repeated, *orphaned])


def _finds_nothing(cursor: Cursor, query: sql.Composed) -> bool:
    # Not `exists`: for the sake of a first row, the server would choose loops within loops.
    cursor.execute(sql.SQL("select count(*) from ({}) as found").format(query))
    return cursor.fetchone() == (0,)
