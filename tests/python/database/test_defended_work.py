"""That work goes on in a database of readers, in which the server's functions are closed."""

from __future__ import annotations

import io
import warnings

import pandas
import pytest
from defended import CLOSED, Server, cursor_of, psql, server
from psycopg2 import errors

__all__ = ["server"]

PSQL = (
    *(r"\d", r"\d+", r"\d marts.*", r"\d+ marts.*", r"\dt+", r"\dt+ marts.*", r"\di+ marts.*"),
    *(r"\l", r"\du", r"\du+", r"\dn+", r"\df+ marts.*", r"\dv+ marts.*", r"\ds+ marts.*", r"\dp"),
    *(r"\dT+", r"\dX", r"\dP+", r"\drds", r"\dconfig", r"\db", r"\dx+", r"\sf marts.doubled"),
    *(r"\sv marts.shown", r"\conninfo", r"\dtS+", r"\dvS+"),
)


def test_psql_describes_what_there_is(server: Server) -> None:
    told = psql(server, server.login(CLOSED), "\n".join(PSQL))
    assert (told.returncode, "ERROR" in told.stderr) == (0, False), told.stderr
    assert "patient_id" in told.stdout


READING = (
    "select * from marts.patient",
    "select word from marts.shown where to_tsvector('english', word) @@ to_tsquery('word')",
    "select * from marts.visit tablesample bernoulli (50) repeatable (1)",
    "select * from marts.visit tablesample system (100)",
    "select marts.doubled(patient_id), marts.current_version() from marts.visit",
    "explain (analyze, buffers) select * from marts.visit natural join marts.patient",
    "select random(), gen_random_uuid(), now(), set_config('work_mem', '8MB', true)",
    "select pg_total_relation_size('marts.visit'), version(), current_user",
    "select * from pg_settings",
    "select * from pg_stats",
)


def test_readers_read(server: Server) -> None:
    connection = server.login(CLOSED).connect()
    try:
        with connection.cursor() as cursor:
            for statement in READING:
                cursor.execute(statement)
                assert cursor.fetchall(), statement
            copied = io.StringIO()
            cursor.copy_expert("copy (select * from marts.patient) to stdout", copied)
            # The odd ones: the policy hides the others, and one is deleted.
            assert len(copied.getvalue().splitlines()) == 500
        with connection.cursor("by_name") as cursor:
            cursor.execute("select * from marts.visit")
            assert len(cursor.fetchmany(10)) == 10
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # pandas prefers another library
            assert len(pandas.read_sql("select * from marts.visit", connection)) == 999
    finally:
        connection.close()


def test_keys_hold_for_the_owner(server: Server) -> None:
    with cursor_of(server.builder, CLOSED) as cursor:
        cursor.execute("select count(*) from marts.visit where patient_id = 5000")
        assert cursor.fetchone() == (1,)
        for statement, error in (
            ("update marts.visit set patient_id = 6000", errors.ForeignKeyViolation),
            ("insert into marts.patient values (1, 'word')", errors.UniqueViolation),
            ("update marts.visit set kind = 'same'", errors.UniqueViolation),
        ):
            with pytest.raises(error):
                cursor.execute(statement)
