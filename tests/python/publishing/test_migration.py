"""A contract that adds or widens is taken over without a moment in which readers fail."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import closing
from threading import Event, Thread
from typing import Any

import psycopg2
import pytest
from tiny import Tiny
from tiny_manifest import constraint, model

from orchestrate.access.private import TABLES
from orchestrate.console import Console
from orchestrate.driver import Connection
from orchestrate.errors import DatabaseError, LostConnectionError
from orchestrate.publishing import publisher, rebuilding, scope_versions, waiting
from orchestrate.publishing.publisher import complete, lagging_scopes
from orchestrate.repair import find_problems
from orchestrate.rollback import put_back

pytestmark = pytest.mark.slow

READ = {
    "program_director": (
        "residency.fct_studies",
        "residency.case_log_totals",
        "residency.case_log_group_progress",
        "residency.versions",
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
    mart = model(
        "versions", "residency", {"resident_name": "text"}, ["resident_name"], {"program": "all"}
    )
    tiny.manifest["nodes"][mart["unique_id"]] = mart
    tiny.as_builder("create table residency.versions as select 'One, Ann'::text as resident_name")
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
    tiny.node("versions")["columns"]["new"] = {**new, "data_type": "date"}
    tiny.node("case_log_group_progress")["columns"]["leader"] = {
        **new,
        "name": "leader",
        "data_type": "text",
        "constraints": [
            constraint("foreign_key", to="ref('case_log_totals')", to_columns=["resident_name"])
        ],
    }
    tiny.build(2)
    tiny.as_builder("alter table residency.versions add new date")


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
    """Do something when half of the marts are copied to the programme, of which nobody sees any."""
    original, copied = scope_versions.copy_mart, []

    def copy(source: Any, target: Any, *arguments: Any) -> int:
        if target.connection.info.dbname.endswith("_program"):
            copied.append(arguments)
            if len(copied) == 3:
                act()
        return original(source, target, *arguments)

    monkeypatch.setattr(scope_versions, "copy_mart", copy)


def begin(tiny: Tiny, login: str, statement: str) -> Connection:
    """Open a repeatable-read transaction of a reader."""
    connection = tiny.reader(login).connect()
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    connection.cursor().execute(statement)
    return connection


def test_readers_go_on_while_tables_take_another_form(
    published: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits during the copy, and transactions from before find their rows to their end."""

    def connect(login: str) -> Connection:
        return published.reader(login).connect()

    before = read_all(connect)
    change_contracts(published)
    meanwhile: list[dict[str, list[Any]]] = []
    is_waiting = Event()

    def read_late() -> None:
        # Transactions that see the version of now, and have not touched what changes.
        kept = {login: begin(published, login, "select 1") for login in READ}
        begun.set()
        is_waiting.wait()
        meanwhile.append(read_all(lambda login: kept[login]))

    begun, reading = Event(), Thread(target=read_late)

    def look() -> None:
        meanwhile.append(read_all(connect))
        reading.start()
        begun.wait()

    def wait_out(*arguments: Any) -> None:
        is_waiting.set()
        original(*arguments)

    original = rebuilding.wait_out
    monkeypatch.setattr(rebuilding, "wait_out", wait_out)
    during_the_copy(monkeypatch, look)
    assert published.publish().version == 2
    reading.join()

    assert meanwhile == [before, before]
    after = read_all(connect)
    assert {version for rows in after.values() for version, *_ in rows} == {2}
    assert {relation: len(rows) for relation, rows in after.items()} == {
        relation: len(rows) for relation, rows in before.items()
    }
    assert published.as_owner(IN_PRIVATE) == [("pointer",), ("versions",)]
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
        # A transaction in another database is in nobody's way.
        published.publish()
        by.cursor().execute("select 1")
    assert published.said.getvalue().count("Ended a session of program_director") == 1
    with pytest.raises(psycopg2.OperationalError):
        sessions[0].cursor().execute("select 1")
    versions = "select distinct version from residency.fct_studies"
    assert published.read("program_director", versions) == [(2,)]
    assert published.as_owner(MEMBERSHIPS) == memberships


def test_a_reader_in_the_way_of_a_policy_is_ended(
    published: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.5)
    # What other hands did to its policies takes a table from its readers, to be mended.
    published.as_owner("drop policy version_is_current on residency.fct_studies", "resident_one")
    published.build(2)
    with closing(begin(published, "resident_one", "select * from residency.case_log_totals")) as by:
        by.cursor().execute("select * from residency.fct_studies")
        published.publish()
    assert "Ended a session of resident_one" in published.said.getvalue()
    versions = "select distinct version from residency.fct_studies"
    assert published.read("resident_one", versions) == [(2,)]


def test_who_is_no_reader_is_not_ended_and_keeps_a_scope_at_the_version_before(
    published: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flip fails in one of several databases: each has one whole version, and status tells."""
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.5)
    before = dict(read_all(lambda login: published.reader(login).connect()))
    change_contracts(published)
    program = published.place("program_director")
    with closing(program.as_publisher().connect()) as session:
        session.cursor().execute("set role casebook_owner; select * from residency.fct_studies")
        with pytest.raises(DatabaseError, match=r"residency\.fct_studies.* has to change"):
            published.publish()
        session.cursor().execute("select 1")
        assert lagging_scopes(published.databases) == ["program"]
        now = read_all(lambda login: published.reader(login).connect())
        assert {name: rows for name, rows in now.items() if name.startswith("residency")} == {
            name: rows for name, rows in before.items() if name.startswith("residency")
        }
        assert {row[0] for row in now["clients.procedure_summary"]} == {2}
        assert published.read(
            "resident_one",
            "select distinct version, rvu is null, new is null from residency.fct_studies",
        ) == [(2, False, True)]
        # The next command gets no further; what it publishes takes the place of that version.
        with pytest.raises(DatabaseError, match=r"residency\.fct_studies.* has to change"):
            published.publish()
        assert "program cannot follow yet" in published.said.getvalue()
        assert lagging_scopes(published.databases) == ["program"]
    complete(published.databases, Console(error_stream=published.said))
    assert lagging_scopes(published.databases) == []
    after = read_all(lambda login: published.reader(login).connect())
    assert {version for rows in after.values() for version, *_ in rows} == {3}
    assert published.as_owner(IN_PRIVATE) == [("pointer",), ("versions",)]
    assert find_problems(published.settings, published.databases) == []


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
    # The transaction that filled the database is gone with it.
    assert len(published.as_owner(IN_PRIVATE)) == len(TABLES)
    assert published.content() == before
    # The next run need not ask for the same change.
    del published.node("fct_studies")["columns"]["new"]
    published.build(3)
    published.as_builder("alter table residency.versions add if not exists new date")
    assert published.publish().version == 2
    assert published.as_owner(IN_PRIVATE) == [("pointer",), ("versions",)]


def test_what_was_left_aside_is_taken_for_nothing_of_an_earlier_version(
    published: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 2 had a table built aside; so had a third, of another table, that was cut off."""

    def cut_off(*_: object) -> None:
        raise LostConnectionError("The server went away.")

    before = published.content()
    published.node("case_log_totals")["columns"]["chest_xray"]["data_type"] = "bigint"
    published.build(2)
    published.publish()
    published.node("case_log_group_progress")["columns"]["completed"]["data_type"] = "bigint"
    published.build(3)
    with monkeypatch.context() as patched:
        patched.setattr(publisher, "decide", cut_off)
        with pytest.raises(LostConnectionError):
            published.publish()
    console = Console(error_stream=published.said)
    put_back(published.settings, published.databases, console, lambda: None)
    assert published.content() == before
    progress = "select version, completed from residency.case_log_group_progress"
    assert published.read("program_director", progress) == [(1, 1)]
    published.build(4)
    assert published.publish().version == 3
    assert published.read("program_director", progress) == [(3, 4)]


def test_what_a_lost_connection_left_aside_is_cleared(
    published: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every database is filled, and nothing is decided: the tables stand aside until the next."""

    def lose_connection(*_: object) -> None:
        raise LostConnectionError("The server went away.")

    before = published.content()
    change_contracts(published)
    with monkeypatch.context() as patched:
        patched.setattr(publisher, "decide", lose_connection)
        with pytest.raises(LostConnectionError):
            published.publish()
    assert len(published.as_owner(IN_PRIVATE)) > len(TABLES)
    assert published.content() == before
    assert published.publish().version == 2
    assert len(published.as_owner(IN_PRIVATE)) == len(TABLES)
