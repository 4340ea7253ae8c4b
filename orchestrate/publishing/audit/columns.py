"""Columns: those of the contract and no others, and of patients those on the list."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2 import sql

from orchestrate.contracts import SCOPE_COLUMN
from orchestrate.publishing.audit.allowed import kind_of
from orchestrate.publishing.audit.examined import Examined, source


def check_columns(examined: Examined) -> Iterable[str]:
    """Tables of the warehouse must hold the columns of their contracts and no others."""
    cursor, marts = examined.cursor, examined.marts
    cursor.execute("set local search_path to pg_catalog")
    cursor.execute(
        "select nspname::text, relname::text, attname::text, format_type(atttypid, atttypmod)"
        " from pg_attribute inner join pg_class on pg_class.oid = attrelid"
        " inner join pg_namespace on pg_namespace.oid = relnamespace"
        " where relkind in ('r', 'v', 'm', 'p') and attnum > 0 and not attisdropped"
        " and nspname = any (%s)",
        (sorted({mart.source_schema for mart in marts}),),
    )
    found: dict[tuple[str, str], dict[str, str]] = {}
    for schema, name, column, data_type in cursor.fetchall():
        found.setdefault((schema, name), {})[column] = data_type
    for mart in marts:
        relation = f"{mart.source_schema}.{mart.name}"
        present = found.get((mart.source_schema, mart.name))
        if present is None:
            yield f"{relation} is not in the warehouse"
            continue
        wanted = {column.name: column.data_type for column in mart.columns}
        if mart.is_scoped:
            wanted[SCOPE_COLUMN] = "text"
        for column in sorted(wanted.keys() | present.keys()):
            if column not in present:
                yield f"{relation} lacks the column {column} of its contract"
            elif column not in wanted:
                yield f"{relation} has a column {column} that its contract does not name"
            elif present[column] != wanted[column]:
                yield f"{relation}.{column} is {present[column]}, not {wanted[column]}"


def check_allowed(examined: Examined) -> Iterable[str]:
    """Of patients only listed columns are shown, with values of the kind that the list says."""
    for mart in examined.of_patients:
        conditions = []
        models: dict[str, None] = {}
        for column in mart.columns:
            kind = kind_of(mart.name, column.name)
            if kind is None:
                yield (
                    f"{mart.relation} has a column {column.name}, which is on no list of what may"
                    " be shown (orchestrate/publishing/audit/allowed.py)"
                )
            elif column.data_type.partition("(")[0] not in kind.types:
                yield f"{mart.relation}.{column.name} is not of a type that such columns may have"
            elif kind.is_good != "true":
                conditions.append((column.name, kind))
                models |= dict.fromkeys(kind.models)
        if not conditions:
            continue
        named = {f"column_{n}": sql.Identifier(name) for n, (name, _) in enumerate(conditions)}
        counts = ", ".join(
            "count(*) filter (where not ("
            + kind.is_good.replace("{column}", f"{{column_{n}}}")
            + "))"
            for n, (_, kind) in enumerate(conditions)
        )
        ((*bad,),) = examined.rows(
            f"select {counts} from {{mart}}", tuple(models), mart=source(mart), **named
        )
        for (column_name, _), count in zip(conditions, bad, strict=True):
            if count:
                yield f"{mart.relation}.{column_name} holds {count} values it may not hold"
