"""Who becomes a reader, and who stops being one."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from orchestrate.errors import DatabaseError


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


@pytest.fixture
def published(tiny: Any) -> Any:
    """Return a tiny Casebook with one version published, to change."""
    tiny.publish()
    return tiny


def test_a_login_that_is_no_member_sees_nothing(published: Any) -> None:
    """Also when somebody puts it into a group by hand."""
    password = published.databases.login_password("stranger")
    with published.databases.reporting_admin.session() as admin, admin.cursor() as cursor:
        cursor.execute(
            sql.SQL("create role stranger login password {}").format(sql.Literal(password))
        )
        try:
            cursor.execute("grant casebook_program to stranger")
            assert published.read("stranger", "select * from residency.fct_studies") == []
            published.publish()
            with pytest.raises(DatabaseError, match="permission denied"):
                published.read("stranger", "select 1")
        finally:
            cursor.execute("drop role stranger")


@pytest.mark.parametrize(
    "grant", ["casebook_program to open_reader", "casebook_program to casebook_client"]
)
def test_a_login_in_two_audiences_sees_nothing(published: Any, grant: str) -> None:
    """Whoever grants it, directly or by a group within a group; the next publication ends it."""
    with published.databases.reporting_admin.session() as admin, admin.cursor() as cursor:
        cursor.execute(f"grant {grant}")
    for relation in ("residency.fct_studies", "clients.procedure_summary"):
        assert published.read("open_reader", f"select 1 from {relation}") == []
    published.publish()
    assert published.read("open_reader", "select 1 from clients.procedure_summary") == [(1,)]
    with pytest.raises(DatabaseError, match="permission denied"):
        published.read("open_reader", "select 1 from residency.fct_studies")


def test_a_removed_member_loses_access(published: Any) -> None:
    with published.databases.reader("hospice_reader").session() as session:
        published.members = [row for row in published.members if row[0] != "hospice_reader"]
        published.publish(build=True)
        with session.cursor() as cursor, pytest.raises(psycopg2.Error):
            cursor.execute("select * from clients.procedure_summary")
    with pytest.raises(DatabaseError):
        published.read("hospice_reader", "select 1")
    assert "Removed the login hospice_reader" in published.said.getvalue()


def test_a_member_who_changes_audience_leaves_the_old_one(published: Any) -> None:
    published.members = [
        ("open_reader", "program", None, None, None),
        *(row for row in published.members if row[0] != "open_reader"),
    ]
    published.publish(build=True)
    assert published.read("open_reader", "select count(*) from residency.fct_studies") == [(20,)]
    with pytest.raises(DatabaseError, match="permission denied"):
        published.read("open_reader", "select * from clients.procedure_summary")


def test_a_role_of_somebody_else_is_not_taken_over(tiny: Any) -> None:
    with tiny.databases.reporting_admin.session() as admin, admin.cursor() as cursor:
        cursor.execute("create role taken")
        try:
            tiny.members = [("taken", "program", None, None, None)]
            with pytest.raises(Exception, match="'taken' exists already"):
                tiny.publish(build=True)
        finally:
            cursor.execute("drop role taken")
