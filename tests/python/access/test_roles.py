"""Roles are what they are to be, or nothing is published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from orchestrate.access.standing import standing_problems

from orchestrate.access.members import Member
from orchestrate.errors import DatabaseError
from orchestrate.publishing import published_versions

MEMBERS = [
    Member(login, audience, None, None, None, None)
    for login, audience in (
        ("program_director", "program"),
        ("resident_one", "resident"),
        ("open_reader", "client"),
        ("hospice_reader", "client"),
        ("other_reader", "client"),
        ("staff_member", "staff"),
    )
]
# What somebody did who may, and what is said of it.
BY_BUILDER = {
    "alter role open_reader createdb": "open_reader may create databases",
    "alter role open_reader createrole": "open_reader may create roles",
    "alter role open_reader nologin": "open_reader cannot log in",
    "alter role casebook_client login": "casebook_client can log in",
    "alter role casebook_publisher inherit": "casebook_publisher inherits the rights of",
    "revoke casebook_client from open_reader": "open_reader is in no group",
    "grant casebook_staff to open_reader": "open_reader is in casebook_client and casebook_staff",
    "grant casebook_client to open_reader with admin option": "open_reader may give casebook_cli",
    "grant casebook_owner to open_reader": "open_reader is a member of casebook_owner",
    "grant casebook_owner to casebook_client": "casebook_client is a member of casebook_owner",
    "grant casebook_management to casebook_client": "casebook_client is a member of casebook_mana",
    "grant hospice_reader to open_reader": "open_reader is a member of hospice_reader",
    "grant casebook_client to casebook_publisher": "casebook_publisher is a member of casebook_cl",
}


@pytest.fixture
def published(tiny: Any) -> Any:
    tiny.publish()
    return tiny


def look(tiny: Any, *statements: str, settled: bool = True) -> list[str]:
    """Say what is found after statements of the builder, which are then undone."""
    connection = tiny.databases.reporting_admin.connect()
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            builder = tiny.databases.reporting_admin.user
            return standing_problems(cursor, MEMBERS, builder, settled=settled)
    finally:
        connection.rollback()
        connection.close()


def test_what_a_publication_leaves_is_well(published: Any) -> None:
    assert look(published) == []
    assert look(published, settled=False) == []


@pytest.mark.parametrize(("statement", "text"), BY_BUILDER.items())
@pytest.mark.parametrize("settled", [True, False])
def test_what_others_made_of_roles_is_seen(
    published: Any, statement: str, text: str, settled: bool
) -> None:
    assert any(one.startswith(text) for one in look(published, statement, settled=settled))


def test_a_change_of_audience_is_seen_when_it_should_have_been_done(published: Any) -> None:
    moved = ("revoke casebook_client from open_reader", "grant casebook_staff to open_reader")
    assert look(published, *moved, settled=False) == []
    assert look(published, *moved) == ["open_reader is in casebook_staff"]


def test_who_is_no_member_has_no_group_in_the_end(published: Any) -> None:
    added = ("create role somebody", "grant casebook_client to somebody")
    assert look(published, *added, settled=False) == []
    assert look(published, *added) == ["somebody is in casebook_client"]


def test_a_missing_role_is_said(published: Any) -> None:
    expected = [*MEMBERS, Member("newcomer", "staff", None, None, None, None)]
    with published.databases.reporting_admin.session() as admin, admin.cursor() as cursor:
        builder = published.databases.reporting_admin.user
        assert standing_problems(cursor, expected, builder, settled=True) == [
            "newcomer is in no group",
            "the role newcomer is missing",
        ]


@contextmanager
def done(tiny: Any, statement: str, undo: str) -> Iterator[None]:
    """Do something as the builder, and undo it in the end."""
    with tiny.databases.reporting_admin.session() as admin, admin.cursor() as cursor:
        cursor.execute(statement)
        try:
            yield
        finally:
            cursor.execute(undo)


def test_a_role_that_is_a_member_of_anything_else_stops_the_publication(published: Any) -> None:
    before = published.content()
    made = "create role outsider; grant outsider to casebook_client"
    with (
        done(published, made, "drop role outsider"),
        pytest.raises(DatabaseError, match="casebook_client is a member of outsider"),
    ):
        published.publish()
    assert [one.version for one in published_versions(published.databases)] == [1]
    assert published.content() == before


@pytest.mark.parametrize(
    "membership",
    [
        "casebook_staff {} open_reader",
        "casebook_owner {} casebook_client",
        "casebook_owner {} open_reader",
        "hospice_reader {} open_reader",
        "casebook_management {} casebook_client",
    ],
)
def test_what_roles_were_given_of_each_other_ends(published: Any, membership: str) -> None:
    with done(
        published,
        f"grant {membership.format('to')}",
        f"revoke {membership.format('from')}",
    ):
        published.publish()
        assert look(published) == []
    rows = "select count(*) from clients.procedure_summary"
    assert published.read("open_reader", rows) == [(1,)]
