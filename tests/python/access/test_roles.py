"""Roles are what they are to be, or nothing is published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import servers
from tiny import Tiny

from orchestrate.access.roles import groups_of, role_changes
from orchestrate.database import ConnectionTarget
from orchestrate.errors import DatabaseError
from orchestrate.publishing import published_versions
from orchestrate.publishing.versions import read_readers
from orchestrate.settings import Settings

# What somebody did who may, and what is said of it; `{own}` is the group of open_reader's scope,
# `{other}` another client's, `{pages}` the login that pages of its scope are rendered over.
BY_BUILDER = {
    "alter role open_reader createdb": "open_reader may create databases",
    "alter role open_reader createrole": "open_reader may create roles",
    "alter role open_reader nologin": "open_reader cannot log in",
    "alter role open_reader connection limit 50": "open_reader may have another number of conn",
    "alter role open_reader set search_path to private": "open_reader has other settings",
    "alter role open_reader reset statement_timeout": "open_reader has other settings",
    "alter role {pages} connection limit 50": "{pages} may have another number of connections",
    "alter role {pages} set row_security to off": "{pages} has other settings",
    "alter role casebook_client login": "casebook_client can log in",
    "alter role {own} login": "{own} can log in",
    "alter role casebook_publisher inherit": "casebook_publisher inherits the rights of",
    "revoke casebook_client from {own}": "{own} is no member of casebook_client",
    "revoke {own} from {pages}": "{pages} is no member of {own}",
    "grant {own} to open_reader with admin option": "open_reader may give {own} to others",
    "grant casebook_owner to open_reader": "open_reader is a member of casebook_owner",
    "grant casebook_owner to casebook_client": "casebook_client is a member of casebook_owner",
    "grant casebook_management to casebook_client": "casebook_client is a member of casebook_mana",
    "grant {other} to {own}": "{own} is a member of {other}",
    "grant {other} to {pages}": "{pages} is a member of {other}",
    "grant {pages} to open_reader": "open_reader is a member of {pages}",
    "grant {own} to casebook_publisher": "casebook_publisher is a member of {own}",
}
# What may be so while a version is being published, but not in the end.
IN_THE_END = {
    "revoke {own} from open_reader": "open_reader is no member of {own}",
    "grant casebook_staff to open_reader": "open_reader is a member of casebook_staff",
    "grant hospice_reader to open_reader": "open_reader is a member of hospice_reader",
    "create role casebook_outsider; grant {own} to casebook_outsider": "casebook_outsider is a",
}


@pytest.fixture
def published(tiny: Tiny) -> Tiny:
    """Return a tiny Casebook with one version published."""
    tiny.publish()
    return tiny


def named(tiny: Tiny, text: str) -> str:
    """Put the names of roles into a text."""
    own, other = tiny.place("open_reader"), tiny.place("other_reader")
    return text.format(own=own.group, other=other.group, pages=own.renderer)


def look(tiny: Tiny, *statements: str, settled: bool = True) -> list[str]:
    """Say what is found after statements of the builder, which are then undone."""
    places, members = read_readers(tiny.databases)
    connection = tiny.databases.reporting.door.connect()
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(named(tiny, statement))
            logins = groups_of(places, members)
            changes = list(role_changes(cursor, places, logins, settled=settled))
            for change in changes:
                if change.statement is not None:
                    cursor.execute(change.statement)
            # What is mended is well then; powers and missing roles are not a run's to mend.
            left = {change.problem for change in changes if change.statement is None}
            again = role_changes(cursor, places, logins, settled=settled)
            assert {change.problem for change in again} == left
            return [change.problem for change in changes]
    finally:
        connection.rollback()
        connection.close()


def test_what_a_publication_leaves_is_well(published: Tiny) -> None:
    assert look(published) == []
    assert look(published, settled=False) == []


@pytest.mark.parametrize("settled", [True, False])
def test_what_others_made_of_roles_is_seen_and_mended(published: Tiny, settled: bool) -> None:
    for statement, text in BY_BUILDER.items():
        found = look(published, statement, settled=settled)
        assert any(one.startswith(named(published, text)) for one in found), (statement, found)


def test_what_a_publication_brings_with_it_is_well_until_the_end(published: Tiny) -> None:
    for statement, text in IN_THE_END.items():
        assert look(published, statement, settled=False) == [], statement
        found = look(published, statement)
        assert [one.startswith(named(published, text)) for one in found] == [True], found


def test_a_missing_role_is_said(published: Tiny) -> None:
    pages = published.place("staff_member").renderer
    dropped = ("alter role staff_member rename to somebody_else", f"drop role {pages}")
    assert {"the role staff_member is missing", f"the role {pages} is missing"} <= set(
        look_only(published, *dropped)
    )


def look_only(tiny: Tiny, *statements: str) -> list[str]:
    """Say what is found after statements of the builder, and mend nothing."""
    places, members = read_readers(tiny.databases)
    connection = tiny.databases.reporting.door.connect()
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            logins = groups_of(places, members)
            return [one.problem for one in role_changes(cursor, places, logins, settled=True)]
    finally:
        connection.rollback()
        connection.close()


@contextmanager
def done(target: ConnectionTarget, statement: str, undo: str) -> Iterator[None]:
    """Do something, and undo it in the end."""
    with target.session() as admin, admin.cursor() as cursor:
        cursor.execute(statement)
        try:
            yield
        finally:
            cursor.execute(undo)


def test_what_the_builder_cannot_take_back_stops_the_publication(published: Tiny) -> None:
    before = published.content()
    home = published.databases.logins.path.parent.parent
    superuser = servers.administrator_of(Settings.from_environment(servers.variables(home)))
    made = "create role outsider; grant outsider to casebook_client"
    if servers.is_postgres15():
        # Before PostgreSQL 16, who may create roles takes back whatever others granted.
        with done(superuser, made, "drop role outsider"):
            published.publish()
            assert look(published) == []
        return
    with done(superuser, made, "drop role outsider"), pytest.raises(DatabaseError):
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
    builder = published.databases.reporting.door
    given, taken = membership.format("to"), membership.format("from")
    with done(builder, f"grant {given}", f"revoke {taken}"):
        published.publish()
        assert look(published) == []
    rows = "select count(*) from clients.procedure_summary"
    assert published.read("open_reader", rows) == [(1,)]
