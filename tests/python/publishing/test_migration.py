"""A contract that adds or widens is taken over without a moment in which readers fail."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from tiny import Tiny, constraint, model

from orchestrate.access.private import TABLES
from orchestrate.driver import Connection
from orchestrate.errors import DatabaseError, LostConnectionError
from orchestrate.publishing import publisher, rebuilding, waiting

READ = {
    "program_director": (
        "residency.fct_studies",
        "residency.case_log_totals",
        "residency.case_log_group_progress",
        "residency.members",
    ),
    "open_reader": ("clients.procedure_summary",),
}
MEMBERSHIPS = "select roleid::regrole::text, member::regrole::text from pg_auth_members order by 1"
IN_PRIVATE = (
    "select relname::text from pg_class where relnamespace = 'private'::regnamespace"
    " and relkind = 'r' order by 1"
)


@pytest.fixture
def published(tiny: Tiny) -> Tiny:
    """Return a tiny Casebook with one version, and a mart that is called like a private table."""
    members = model(
        "members", "residency", {"resident_name": "text"}, ["resident_name"], {"program": "all"}
    )
    tiny.manifest["nodes"][members["unique_id"]] = members
    tiny.as_builder("create table residency.members as select 'One, Ann'::text as resident_name")
    tiny.build(1)
    tiny.publish()
    return tiny


def change_contracts(tiny: Tiny) -> None:
    """Add columns, widen with and without another storage, add and drop foreign keys."""
    new = {"name": "new", "description": "New.", "constraints": []}
    studies, totals = tiny.node("fct_studies"), tiny.node("case_log_totals")
    studies["columns"]["new"] = {**new, "data_type": "integer"}
    studies["columns"]["rvu"]["data_type"] = "numeric(18,4)"
    totals["columns"]["chest_xray"]["data_type"] = "bigint"
    tiny.node("procedure_summary")["columns"]["patient_count"]["data_type"] = "bigint"
    tiny.node("members")["columns"]["new"] = {**new, "data_type": "date"}
    tiny.node("case_log_group_progress")["columns"]["leader"] = {
        **new,
        "name": "leader",
        "data_type": "text",
        "constraints": [
            constraint("foreign_key", to="ref('case_log_totals')", to_columns=["resident_name"])
        ],
    }
    tiny.build(2)
    tiny.as_builder("alter table residency.members add new date")


def read_all(connect: Callable[[str], Connection]) -> dict[str, list[Any]]:
    """Read every table as its reader; one that had to wait for a second would fail."""
    found = {}
    for login, relations in READ.items():
        with closing(connect(login)) as connection, connection.cursor() as cursor:
            cursor.execute("set lock_timeout = '1s'")
            for relation in relations:
                cursor.execute(f"select * from {relation} order by 1, 2")
                found[relation] = cursor.fetchall()
    return found


def during_the_copy(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something when half of the marts are copied."""
    original, copied = publisher.copy_mart, []

    def copy(*arguments: Any) -> int:
        copied.append(arguments)
        if len(copied) == 3:
            act()
        return original(*arguments)

    monkeypatch.setattr(publisher, "copy_mart", copy)


def begin(tiny: Tiny, login: str, statement: str) -> Connection:
    """Open a repeatable-read transaction of a reader."""
    connection = tiny.databases.reader(login).connect()
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    connection.cursor().execute(statement)
    return connection


def test_readers_go_on_while_tables_take_another_form(
    published: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits during the copy, and transactions from before find their rows afterwards."""

    def connect(login: str) -> Connection:
        return published.databases.reader(login).connect()

    before = read_all(connect)
    change_contracts(published)
    meanwhile: list[dict[str, list[Any]]] = []
    open_still: list[Connection] = []

    def look() -> None:
        meanwhile.append(read_all(connect))
        # Transactions that see the version of now, and have not touched what changes.
        open_still.extend(begin(published, login, "select 1") for login in READ)

    during_the_copy(monkeypatch, look)
    assert published.publish().version == 2

    assert meanwhile == [before]
    kept = dict(zip(READ, open_still, strict=True))
    for login, relations in READ.items():
        for relation in relations:
            cursor = kept[login].cursor()
            cursor.execute(f"select * from {relation} order by 1, 2")
            old = [row[: len(before[relation][0])] for row in cursor.fetchall()]
            assert old == before[relation], relation
        kept[login].close()
    after = read_all(connect)
    assert {version for rows in after.values() for version, *_ in rows} == {2}
    assert {relation: len(rows) for relation, rows in after.items()} == {
        relation: len(rows) for relation, rows in before.items()
    }
    assert published.as_owner(IN_PRIVATE) == [("members",), ("pointer",), ("versions",)]
    assert published.said.getvalue().count("Ended a session") == 0
    (stored,) = published.as_owner(
        "select count(*) filter (where version = 1), count(*) filter (where new is not null)"
        " from residency.fct_studies"
    )
    assert stored == (20, 0)


@pytest.mark.parametrize(
    ("statement", "is_early"),
    [
        ("select * from residency.fct_studies", False),
        # Its snapshot is older than the new table, which would look empty to it.
        ("select 1", True),
    ],
)
def test_a_reader_in_the_way_is_ended_and_that_is_said(
    published: Tiny, monkeypatch: pytest.MonkeyPatch, statement: str, is_early: bool
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.5)
    published.node("fct_studies")["columns"]["new"] = {
        "name": "new", "data_type": "text", "description": "New.", "constraints": [],
    }  # fmt: skip
    published.build(2)
    memberships = published.as_owner(MEMBERSHIPS)
    sessions: list[Connection] = []

    def read() -> None:
        sessions.append(begin(published, "program_director", statement))

    if is_early:
        read()
    else:
        during_the_copy(monkeypatch, read)
    with closing(begin(published, "open_reader", "select * from clients.procedure_summary")) as by:
        # A transaction elsewhere is in nobody's way, unless it is older than the new table.
        if is_early:
            by.rollback()
        published.publish()
        if not is_early:
            assert "Ended a session of open_reader" in published.said.getvalue()
    assert published.said.getvalue().count("Ended a session of program_director") == 1
    with pytest.raises(psycopg2.OperationalError):
        sessions[0].cursor().execute("select 1")
    versions = "select distinct version from residency.fct_studies"
    assert published.read("program_director", versions) == [(2,)]
    assert published.as_owner(MEMBERSHIPS) == memberships


def test_a_reader_in_the_way_of_other_readers_rights_is_ended(
    published: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.5)
    published.node("fct_studies")["config"]["meta"]["readers"] = {"staff": "all"}
    published.build(2)
    with closing(begin(published, "resident_one", "select * from residency.fct_studies")):
        published.publish()
    assert "Ended a session of resident_one" in published.said.getvalue()
    versions = "select distinct version from residency.fct_studies"
    assert published.read("staff_member", versions) == [(2,)]


def test_who_is_no_reader_is_not_ended_and_stops_the_publication(
    published: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.5)
    before = published.content()
    change_contracts(published)
    with closing(published.databases.publisher.connect()) as session:
        session.cursor().execute("set role casebook_owner; select * from residency.fct_studies")
        with pytest.raises(DatabaseError, match=r"residency\.fct_studies.* has to change"):
            published.publish()
        session.cursor().execute("select 1")
    assert published.content() == before
    assert published.as_owner(IN_PRIVATE) == [("members",), ("pointer",), ("versions",)]
    assert published.publish().version == 2


def test_what_a_killed_publication_left_is_cleared(
    published: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = published.content()
    change_contracts(published)
    child = os.fork()
    if child == 0:
        during_the_copy(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGKILL))
        try:
            published.publish()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert len(published.as_owner(IN_PRIVATE)) > 3
    assert published.content() == before
    # The next run need not ask for the same change.
    del published.node("fct_studies")["columns"]["new"]
    published.build(3)
    published.as_builder("alter table residency.members add if not exists new date")
    assert published.publish().version == 2
    assert published.as_owner(IN_PRIVATE) == [("members",), ("pointer",), ("versions",)]


def test_what_cannot_be_cleared_is_not_told_in_place_of_the_failure(
    published: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who loses the connection begins again, which a server that is away may not hide."""

    def lose_connection(*_: object) -> None:
        monkeypatch.setattr(rebuilding, "as_owner", refuse)
        raise LostConnectionError("The server went away.")

    def refuse(*_: object) -> None:
        raise DatabaseError("Cannot connect.")

    change_contracts(published)
    with monkeypatch.context() as patched:
        patched.setattr(publisher, "move_pointer", lose_connection)
        with pytest.raises(LostConnectionError):
            published.publish()
    assert len(published.as_owner(IN_PRIVATE)) > len(TABLES)
    monkeypatch.undo()
    assert published.publish().version == 2
    assert len(published.as_owner(IN_PRIVATE)) == len(TABLES)
