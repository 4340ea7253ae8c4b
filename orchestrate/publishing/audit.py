"""What is checked of the marts in the warehouse before anything of them is shown.

A check is a function of the warehouse and the marts that yields findings; each finding stops the
publication. `CHECKS` is the list: adding a check is adding a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from orchestrate.contracts import SCOPE_COLUMN, Mart
from orchestrate.errors import DataError

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class upstream

Check = Callable[["Cursor", Sequence[Mart]], Iterable[str]]

_NAMED: Final = 5


def audit(cursor: Cursor, marts: Sequence[Mart], checks: Sequence[Check] | None = None) -> None:
    """Run all checks; raise DataError with the first findings when there are any."""
    findings = [finding for check in checks or CHECKS for finding in check(cursor, marts)]
    if findings:
        more = len(findings) - _NAMED
        raise DataError(
            "The marts may not be published: "
            + "; ".join(findings[:_NAMED])
            + (f"; and {more} more." if more > 0 else "."),
            "Nothing was published. Mend the models, build again, then publish.",
        )


def check_columns(cursor: Cursor, marts: Sequence[Mart]) -> Iterable[str]:
    """Tables of the warehouse must hold the columns of their contracts and no others."""
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


CHECKS: Final[tuple[Check, ...]] = (check_columns,)
