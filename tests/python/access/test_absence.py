"""What a reader may not see is not there: no row, no statistics of one, no name that tells of one.

The superuser looks, who sees everything that is in a database.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import pytest
from psycopg2 import sql

from tests.python.access.conftest import SEEDS
from tests.python.access.subject import Name, Subject, relations

pytestmark = pytest.mark.slow

Column = tuple[Name, str]
_STATISTICS = """
    select distinct value
    from pg_statistic
    inner join pg_attribute on attrelid = starelid and attnum = staattnum
    cross join lateral unnest(array[
        stavalues1::text, stavalues2::text, stavalues3::text, stavalues4::text, stavalues5::text
    ]) as kept
    cross join lateral unnest(kept::text[]) as value
    where (starelid = %s::regclass and attname = %s)
        or starelid in (select indexrelid from pg_index where indrelid = %s::regclass)
"""


def foreign_values(subject: Subject, database: str) -> Mapping[Column, set[str]]:
    """Return what only rows of others hold, by relation and column, from the warehouse's marts."""
    with subject.administrator(database).session() as connection, connection.cursor() as cursor:
        present = relations(cursor)
    conditions = subject.conditions(database, {one: set(names) for one, names in present.items()})
    found = {}
    with closing(subject.databases.warehouse.connect()) as source, source.cursor() as cursor:
        for relation, condition in conditions.items():
            for column in present[relation][1:] if condition != "true" else ():
                values = sql.SQL("select distinct {}::text from {} where {}")
                parts = (sql.Identifier(column), sql.Identifier(*relation))
                cursor.execute(
                    sql.SQL("({}) except ({})").format(
                        values.format(*parts, sql.SQL("true")),
                        values.format(*parts, sql.SQL(condition)),
                    )
                )
                found[relation, column] = {value for (value,) in cursor if value is not None}
    return {column: values for column, values in found.items() if values}


def values_found(cursor: Any, foreign: Mapping[Column, set[str]]) -> list[str]:
    """Look for foreign values in rows of any version, in statistics of tables and indexes."""
    found = []
    for (relation, column), values in foreign.items():
        cursor.execute(
            sql.SQL("select distinct {}::text from {}").format(
                sql.Identifier(column), sql.Identifier(*relation)
            )
        )
        held = values & {value for (value,) in cursor}
        cursor.execute(_STATISTICS, (".".join(relation), column, ".".join(relation)))
        held |= values & {value for (value,) in cursor}
        found += [f"{'.'.join(relation)}.{column}: {value}" for value in sorted(held)]
    return found


def words_of_restrictions() -> set[str]:
    """Return the ids and names of restricted specialties, and the words that mean them."""
    read = {}
    for name in ("restrictions", "specialty_words", "specialties"):
        with (SEEDS / f"{name}.csv").open(encoding="utf-8") as file:
            read[name] = list(csv.DictReader(file))
    restricted = {row["specialty_id"] for row in read["restrictions"]}
    rows = [
        row
        for name in ("specialty_words", "specialties")
        for row in read[name]
        if row["specialty_id"] in restricted
    ]
    return restricted | {
        value.lower()
        for row in rows
        for key, value in row.items()
        if key in {"word", "specialty_name"}
    }


def test_no_value_of_others_is_in_a_database(
    subject: Subject, figure: Callable[[str], None]
) -> None:
    looked_for = 0
    for database in subject.audiences:
        foreign = foreign_values(subject, database)
        looked_for += sum(map(len, foreign.values()))
        with (
            subject.administrator(database).session() as connection,
            connection.cursor() as cursor,
        ):
            assert values_found(cursor, foreign) == [], database
    assert looked_for > 1000
    figure(f"absence: {looked_for:,} values of others in no database of a scope")


def test_a_row_of_others_would_be_found(subject: Subject) -> None:
    """See the test above fail: by a row, and by what statistics keep of one that is gone."""
    (database, *_) = [one for one, audience in subject.audiences.items() if audience == "resident"]
    relation, column = ("residency", "fct_studies"), "resident_name"
    foreign = {(relation, column): foreign_values(subject, database)[relation, column]}
    name = sorted(foreign[relation, column])[0]
    change = f"update residency.fct_studies set resident_name = '{name}' where version = 1"
    with (
        closing(subject.administrator(database).connect()) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("set session_replication_role = replica")
        cursor.execute("savepoint before")
        cursor.execute(change)
        assert values_found(cursor, foreign) != []
        cursor.execute("analyze residency.fct_studies")
        cursor.execute("delete from residency.fct_studies")
        assert values_found(cursor, foreign) != []
        connection.rollback()


def test_no_name_or_comment_tells_of_a_restriction(subject: Subject) -> None:
    """Whoever connects anywhere reads the names of all databases and roles, and their comments."""
    pattern = re.compile("|".join(map(re.escape, sorted(words_of_restrictions()))))
    assert pattern.search("reporting_humana_hospice")
    (own_open,) = {
        subject.places[member["login"]]
        for member in subject.members
        if member["client_id"] == "humana" and subject.visibility(member) == "open"
    }
    for database in subject.audiences:
        with (
            subject.administrator(database).session() as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "select datname::text from pg_database union all select spcname from pg_tablespace"
                " union all select description from pg_shdescription"
                " union all select rolname from pg_roles where rolname <> all (%s)",
                (subject.logins,),
            )
            named = [name for (name,) in cursor.fetchall()]
            if database == own_open:
                # Where nothing restricted is shown, nothing in the database tells of it either.
                cursor.execute(
                    "select description from pg_description where objoid >= 16384"
                    " union all select relname from pg_class where oid >= 16384"
                    " union all select attname from pg_attribute where attrelid >= 16384"
                    " union all select prosrc from pg_proc where oid >= 16384"
                )
                named += [name for (name,) in cursor.fetchall()]
        assert [name for name in named if pattern.search(name.lower())] == []
