"""Rows that were set aside so that the rest of an export could be loaded.

They hold what the files hold, persons included: in the warehouse, where only the builder connects.
"""

from __future__ import annotations

from collections.abc import Mapping

from psycopg2 import sql

from orchestrate.driver import Connection
from orchestrate.loading.examination import PROBLEMS, Examination
from orchestrate.loading.tables import READ

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
        cursor.execute(_NONE_YET)
        if cursor.fetchone() == (True,):
            cursor.execute(_CREATE)
        cursor.execute("delete from casebook.quarantined_rows where domain = %s", (domain,))


def set_aside(connection: Connection, domain: str, examination: Examination) -> None:
    """Keep the bad rows of an examination, in place of what was set aside before."""
    forget(connection, domain)
    with connection.cursor() as cursor:
        for position, judged in enumerate(examination.files):
            cursor.execute(
                sql.SQL(
                    """
                    insert into casebook.quarantined_rows
                    select
                        %s, %s, examined.__line, examined.__last_line,
                        coalesce(array_agg(problems.column_name order by problems.column_position)
                            filter (where problems.column_name is not null), '{{}}'),
                        array_agg(problems.reason order by problems.column_position),
                        examined.__row
                    from {examined} as examined
                    inner join {problems} as problems on problems.record = examined.__record
                    where problems.file = %s
                    group by
                        examined.__record, examined.__line, examined.__last_line, examined.__row
                    order by examined.__record
                    """
                ).format(
                    examined=judged.raw.relation(READ),
                    problems=sql.Identifier(examination.schema, PROBLEMS),
                ),
                (domain, judged.raw.file, position),
            )
