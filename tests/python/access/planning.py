"""Conditions that a reader may add to a query, in pairs that differ in rows out of sight alone.

Both conditions of a pair are met by as many rows of the version that is shown, and by different
numbers of rows of the other one. What a plan says of the two must be the same.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from psycopg2 import Error, sql

SCANS = ("seqscan", "indexscan", "indexonlyscan", "bitmapscan")
JOINS = ("nestloop", "hashjoin", "mergejoin")
# An operator's cost decides which condition is run first; a reader may set it.
OPERATOR_COSTS = ("0.0025", "0", "1000")
# Besides values that rows have: some that none has, before, between and after these.
OTHERS = {
    "text": ("", "m", "zz"),
    "boolean": ("true", "false"),
    "date": ("2001-01-01", "2015-06-15", "2030-01-01"),
    "timestamp with time zone": ("2001-01-01", "2015-06-15", "2030-01-01"),
}
OTHER_NUMBERS = ("-1", "4", "1000")

_LEAKPROOF = """
    select format('operator(%%I.%%s)', nspname, oprname), oprright::regtype::text
    from pg_operator
    inner join pg_proc on pg_proc.oid = oprcode
    inner join pg_namespace on pg_namespace.oid = oprnamespace
    where proleakproof and oprresult = 'boolean'::regtype and oprleft = %s::regtype
    order by 1, 2
"""
_COLUMNS = """
    select format('%I.%I', nspname, relname), attname::text, atttypid::regtype::text
    from pg_attribute
    inner join pg_class on pg_class.oid = attrelid
    inner join pg_namespace on pg_namespace.oid = relnamespace
    where pg_namespace.oid >= 16384 and nspname <> 'private' and relkind = 'r' and attnum > 0
        and not attisdropped
    order by 1, attnum
"""
# A condition is met by a row, by one of several, by all of several, by a row of another relation.
_FORMS = {
    "constant": "select from {relation} as shown where shown.{column} {operator} {value}",
    "any": "select from {relation} as shown where shown.{column} {operator} any (array[{value}])",
    "all": "select from {relation} as shown where shown.{column} {operator} all (array[{value}])",
    "join": "select from {relation} as shown inner join (values ({value}), ({value})) as asked (it)"
    " on shown.{column} {operator} asked.it",
    "exists": "select from {relation} as shown where exists"
    " (select from (values ({value}), ({value})) as asked (it)"
    " where shown.{column} {operator} asked.it)",
}
# A merge join stops where the value is in the order of the rows shown.
_COUNT = """
    select
        count(*) filter (where is_shown and {column} {operator} {value}),
        count(*) filter (where is_shown and {column} < {value}),
        count(*) filter (where {column} {operator} {value})
    from {relation}
    cross join lateral (
        select version = (select current_version from private.pointer) as is_shown
    ) as shown
"""
# Of what a plan says, that which the planner only expects, the texts of conditions, and resources.
_LEFT_OUT = {
    "Filter", "Index Cond", "Recheck Cond", "Join Filter", "Hash Cond", "Merge Cond", "TID Cond",
    "One-Time Filter", "Hash Key", "Cache Key", "Peak Memory Usage", "Hash Buckets",
    "Original Hash Buckets", "Hash Batches", "Original Hash Batches",
}  # fmt: skip


class Pair(NamedTuple):
    """Two queries of which plans must say the same; `kind` is what they ask by."""

    kind: str
    first: str
    second: str
    has_join: bool = False


def pairs(cursor: Any) -> Iterator[Pair]:
    """Yield the pairs for every relation and column, by every leakproof operator, in every form.

    The cursor is the superuser's, in a scope's database.
    """
    cursor.execute(_COLUMNS)
    for relation, name, data_type in cursor.fetchall():
        if name == "version":
            continue
        cursor.execute(_LEAKPROOF, (data_type,))
        for operator, right in cursor.fetchall():
            column = sql.Identifier(name)
            parts = {
                "relation": sql.SQL(relation),
                "column": column,
                "operator": sql.SQL(operator),
            }
            for values in _telling(cursor, parts, data_type, right):
                for form, text in _FORMS.items():
                    first, second = (
                        sql.SQL(text).format(**parts, value=value).as_string(cursor)
                        for value in values
                    )
                    kind = f"{relation}.{name} {operator} {right}, {form}"
                    yield Pair(kind, first, second, has_join=form in {"join", "exists"})


def _telling(
    cursor: Any, parts: dict[str, sql.Composable], data_type: str, right: str
) -> Iterator[tuple[sql.Composable, sql.Composable]]:
    """Yield two values that an operator tells apart by rows out of sight only, if there are any."""
    cursor.execute(
        sql.SQL("select distinct {column}::text from {relation} where {column} is not null").format(
            **parts
        )
    )
    held = sorted(value for (value,) in cursor.fetchall())
    by_shown: dict[tuple[int, int], dict[int, sql.Composable]] = defaultdict(dict)
    for text in (*held[:4], *held[-4:], *OTHERS.get(data_type, OTHER_NUMBERS)):
        value = sql.SQL("{}::{}").format(sql.Literal(text), sql.SQL(right))
        cursor.execute("savepoint asking")
        try:
            cursor.execute(sql.SQL(_COUNT).format(**parts, value=value))
            *shown, found = cursor.fetchone()
            by_shown[tuple(shown)].setdefault(found, value)
        except Error:  # no value of that type
            cursor.execute("rollback to savepoint asking")
    for found in by_shown.values():
        if len(found) > 1:
            yield found[min(found)], found[max(found)]


def column_pairs(relation: str, columns: Sequence[str], suffixes: tuple[str, str]) -> list[Pair]:
    """Return pairs of conditions that name no value: `<column><suffix> is null` and the like.

    The columns of a pair are equal in the version that is shown.
    """
    forms = ["{} is null", "{} is not null"]
    truths = [*forms, "{}", "not {}", "{} is true", "{} is not false", "{} is unknown"]
    return [
        Pair(
            f"{relation}: {form.format(column)}",
            *(
                f"select from {relation} as shown where {form.format(f'shown.{column}{suffix}')}"
                for suffix in suffixes
            ),
        )
        for column in columns
        for form in (truths if column == "boolean" else forms)
    ]


def settings(*, has_join: bool) -> list[tuple[str, ...]]:
    """Return every combination of what a reader may let the planner use, as statements."""
    names = (*SCANS, *JOINS) if has_join else SCANS
    return [
        (
            f"set cpu_operator_cost = {cost}",
            *(f"set enable_{name} = {state}" for name, state in zip(names, states, strict=True)),
        )
        for cost in OPERATOR_COSTS
        for states in itertools.product(("on", "off"), repeat=len(names))
    ]


def told(cursor: Any, query: str) -> Any:
    """Return what EXPLAIN ANALYZE tells a reader of a query, but for what is only expected."""
    cursor.execute(
        f"explain (analyze, timing off, summary off, costs off, buffers off, format json) {query}"
    )
    return _without_texts(cursor.fetchone()[0][0]["Plan"])


def _without_texts(plan: Any) -> Any:
    if isinstance(plan, dict):
        return {key: _without_texts(part) for key, part in plan.items() if key not in _LEFT_OUT}
    return [_without_texts(part) for part in plan] if isinstance(plan, list) else plan
