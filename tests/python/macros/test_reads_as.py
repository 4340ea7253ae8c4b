"""Servers before PostgreSQL 16 tell by a function of ours whether a text reads as a value."""

from __future__ import annotations

import re

import pytest
from postgres15 import SystemPostgres

from orchestrate.settings import PROJECT_DIR

MACRO = PROJECT_DIR / "macros" / "portability" / "reads_as.sql"
READ = (
    ("2019-06-30T23:59:59Z", "timestamptz"),
    ("6/30/2019 23:59", "timestamptz"),
    ("2019-06-30", "date"),
    ("42.365200", "double precision"),
    ("999.995e13", "numeric(18,2)"),
)
NOT_READ = (
    ("yesterday evening", "timestamptz"),
    ("2019-02-30", "date"),
    ("2019-06-30 25:00", "timestamptz"),
    ("1e999", "double precision"),
    ("1e16", "numeric(18,2)"),
    ("12,5", "numeric(18,2)"),
    ("", "date"),
)


@pytest.mark.slow
def test_the_function_tells_what_reads_as_each_type(system_postgres: SystemPostgres) -> None:
    definition = re.search(
        r"create or replace function.*?\$function\$;", MACRO.read_text(encoding="utf-8"), re.DOTALL
    )
    assert definition
    connection = system_postgres.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute(definition[0].replace("{{ target.schema }}", "pg_temp"))
            # In one statement, where a plan might keep the type of the first.
            cursor.execute(
                "select value, type from unnest(%s::text[], %s::text[]) as given (value, type)"
                " where pg_temp.reads_as(value, type)",
                list(map(list, zip(*READ, *NOT_READ, strict=True))),
            )
            assert tuple(cursor.fetchall()) == READ
    finally:
        connection.close()
