"""Tables as Airbyte's destination Postgres lands them, made of the sample in a warehouse."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2 import sql

from orchestrate.driver import Cursor

HOUR = "1 hour"
# What the header of the export calls them; Airbyte keeps the case and writes _ for a blank.
SPELLED = {"exam_code": "exam_Code", "trainee_name": "trainee_Name"}
GENERATION = 2


def land(
    cursor: Cursor,
    domain: str,
    table: str,
    types: Mapping[str, str] | None = None,
    *,
    age: str = HOUR,
    raw_id: str = "varchar",
) -> None:
    """Land a table of the sample in `landed_<domain>`: each row is one record, `age` old.

    `raw_id` is the type of Airbyte's own identifier of a record.

    `types` are types by column; a column without one is text, times without a zone. Columns of the
    advocacy export are spelled in capitals, those of the residency export as SPELLED.
    """
    raw = sql.Identifier(f"sample_{domain}", table)
    cursor.execute(sql.SQL("select * from {} limit 0").format(raw))
    names = [column.name for column in cursor.description or ()]
    columns = [
        sql.SQL("{} as {}").format(_value(name, types or {}), sql.Identifier(spelled(domain, name)))
        for name in names
    ]
    target = sql.Identifier(f"landed_{domain}", table)
    cursor.execute(
        sql.SQL("create schema if not exists {}").format(sql.Identifier(f"landed_{domain}"))
    )
    cursor.execute(
        sql.SQL(
            "create table {} as select gen_random_uuid()::{} as _airbyte_raw_id,"
            " now() - %s::interval as _airbyte_extracted_at,"
            ' \'{{"sync_id": 7, "changes": []}}\'::jsonb as _airbyte_meta,'
            " %s::bigint as _airbyte_generation_id, 'more' as \"more than declared\", {} from {}"
        ).format(target, sql.SQL(raw_id), sql.SQL(", ").join(columns), raw),
        (age, GENERATION),
    )


def spelled(domain: str, name: str) -> str:
    """Return how a landed table spells a column."""
    return name.upper() if domain == "advocacy" else SPELLED.get(name, name)


def _value(name: str, types: Mapping[str, str]) -> sql.Composable:
    column = sql.Identifier(name)
    if name in types:
        return sql.SQL("{}::{}").format(column, sql.SQL(types[name]))
    if name == "finalized":
        return sql.SQL("to_char({} at time zone 'UTC', 'MM/DD/YYYY HH24:MI:SS')").format(column)
    return sql.SQL("{}::text").format(column)
