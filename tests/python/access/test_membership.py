"""Who becomes a reader, and who stops being one."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest
from psycopg2 import sql
from scoped import elsewhere

from orchestrate.database.passwords import new_password
from orchestrate.errors import DatabaseError

PASSWORD = new_password()


def test_an_unknown_member_sees_no_rows(tiny: Any) -> None:
    tiny.members = [
        ("ghost_resident", "resident", None, None, "Nobody"),
        ("ghost_client", "client", "aetna", None, None),
        ("ghost_specialty", "client", "humana", "nonsense", None),
    ]
    tiny.publish(build=True)
    for login in ("ghost_resident", "ghost_client", "ghost_specialty"):
        assert f"login '{login}': {login} names a" in tiny.said.getvalue()
    assert tiny.read("ghost_resident", "select 1 from residency.fct_studies") == []
    assert tiny.read("ghost_resident", "select 1 from residency.case_log_group_progress") == [(1,)]
    assert tiny.read("ghost_client", "select 1 from clients.procedure_summary") == []
    assert tiny.read("ghost_specialty", "select 1 from clients.procedure_summary") == []
    for login in ("ghost_client", "ghost_specialty"):
        assert tiny.as_owner("select 1 from clients.procedure_summary", login) == []


@pytest.fixture
def published(tiny: Any) -> Any:
    """Return a tiny Casebook with one version published, to change."""
    tiny.publish()
    return tiny


def test_a_login_that_is_no_member_is_put_out(published: Any) -> None:
    """Whoever puts it into a group; the next publication takes it out again."""
    databases = published.databases
    place = published.place("program_director")
    with databases.reporting.door.session() as admin, admin.cursor() as cursor:
        cursor.execute(
            sql.SQL("create role stranger login password {}").format(sql.Literal(PASSWORD))
        )
        target = place.as_builder().derive(user="stranger", password=PASSWORD)
        try:
            with pytest.raises(DatabaseError, match="permission denied for database"):
                target.connect()
            cursor.execute(f"grant {place.group} to stranger")
            target.connect().close()
            published.publish()
            with pytest.raises(DatabaseError, match="permission denied for database"):
                target.connect()
        finally:
            cursor.execute("drop role stranger")


@pytest.mark.parametrize("member", ["open_reader", "group of open_reader"])
def test_a_login_in_two_audiences_reads_no_more(published: Any, member: str) -> None:
    """Whoever grants it, directly or by a group within a group; the next publication ends it."""
    own = published.place("open_reader")
    name = own.group if member.startswith("group") else member
    rows = "select client_id, procedure_code from clients.procedure_summary"
    before = published.read("open_reader", rows)
    with published.databases.reporting.door.session() as admin, admin.cursor() as cursor:
        cursor.execute(f"grant casebook_program to {name}")
    assert published.read("open_reader", rows) == before == [("humana", "73761001")]
    published.publish()
    assert published.read("open_reader", rows) == before
    other = elsewhere(
        published.databases, "open_reader", published.place("program_director").database
    )
    with pytest.raises(DatabaseError, match="permission denied for database"):
        other.connect()


def test_a_removed_member_loses_access(published: Any) -> None:
    """Its scope, which nobody reads any more, goes with it: rows, roles and passwords."""
    place = published.place("hospice_reader")
    with place.as_reader("hospice_reader").session() as session:
        published.members = [row for row in published.members if row[0] != "hospice_reader"]
        published.publish(build=True)
        with session.cursor() as cursor, pytest.raises(psycopg2.Error):
            cursor.execute("select * from clients.procedure_summary")
    with pytest.raises(DatabaseError):
        place.as_reader("hospice_reader").connect()
    assert "Removed hospice_reader: it belongs to no scope any more" in published.said.getvalue()
    databases = published.databases
    with databases.reporting.door.session() as admin, admin.cursor() as cursor:
        cursor.execute("select datname from pg_database union all select rolname from pg_roles")
        left = {name for (name,) in cursor}
    assert not left & {place.database, place.group, place.renderer, "hospice_reader"}
    assert databases.logins.line(place.server.endpoint, "hospice_reader") is None


def test_a_member_who_changes_audience_leaves_the_old_one(published: Any) -> None:
    former = published.reader("open_reader")
    published.members = [
        ("open_reader", "program", None, None, None),
        *(row for row in published.members if row[0] != "open_reader"),
    ]
    published.publish(build=True)
    assert published.read("open_reader", "select count(*) from residency.fct_studies") == [(20,)]
    with pytest.raises(DatabaseError):
        former.connect()


def test_a_role_of_somebody_else_is_not_taken_over(tiny: Any) -> None:
    with tiny.databases.reporting.door.session() as admin, admin.cursor() as cursor:
        cursor.execute("create role taken")
        try:
            tiny.members = [("taken", "program", None, None, None)]
            with pytest.raises(Exception, match="'taken' exists already"):
                tiny.publish(build=True)
        finally:
            cursor.execute("drop role taken")
