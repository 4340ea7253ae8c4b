"""Rows that were set aside so that the rest of an export could be loaded.

They hold what the files hold, persons included: in the warehouse, where only the builder connects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrate.driver import Connection
from orchestrate.loading.tables import RawTable
from orchestrate.loading.verdicts import PROBLEMS

TABLE = "casebook.quarantined_rows"

_CREATE = """
create table if not exists casebook.quarantined_rows (
    domain text not null,
    file text not null,
    line bigint not null,
    last_line bigint not null,
    columns text[] not null,
    reasons text[] not null,
    row_text text
);
revoke all on table casebook.quarantined_rows from public;
comment on table casebook.quarantined_rows is
    'Rows of the exports in use that were set aside: where each stood, what is wrong, and the row.'
"""
_NONE_YET = "select to_regclass('casebook.quarantined_rows') is null"


def quarantined(connection: Connection, domain: str) -> Mapping[str, int]:
    """Return how many rows of the export loaded last were set aside, by file; only of these."""
    with connection.cursor() as cursor:
        cursor.execute(_NONE_YET)
        if cursor.fetchone() == (True,):
            return {}
        cursor.execute(
            "select file, count(*) from casebook.quarantined_rows where domain = %s group by file"
            " order by file",
            (domain,),
        )
        return dict(cursor.fetchall())


def forget(connection: Connection, domain: str) -> None:
    """Delete what was set aside of the export before."""
    with connection.cursor() as cursor:
        cursor.execute(_CREATE)
        cursor.execute("delete from casebook.quarantined_rows where domain = %s", (domain,))


def set_aside(connection: Connection, domain: str, raws: Sequence[RawTable]) -> None:
    """Keep the rows of these files that were judged to be bad."""
    with connection.cursor() as cursor:
        for position, raw in enumerate(raws):
            names = ", ".join("%s" for _ in ("", *raw.seed.columns))
            cursor.execute(
                f"""
                insert into casebook.quarantined_rows
                select
                    %s, %s, __line, __last_line,
                    array_remove(array_agg(
                        (array[{names}])[column_position + 1] order by column_position
                    ), null),
                    array_agg(reason order by column_position), __row
                from {raw.read} inner join {PROBLEMS} on record = __record
                where file = %s
                group by __record, __line, __last_line, __row
                order by __record
                """,
                (domain, raw.file, None, *(column.name for column in raw.seed.columns), position),
            )
