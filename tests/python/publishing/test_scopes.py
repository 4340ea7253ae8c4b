"""Scopes come and go with their members, and no reader stops pages or publications."""

from __future__ import annotations

from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from scoped import elsewhere, rows
from tiny import MEMBERS, Tiny

from orchestrate.access.scopes import ScopeDatabase
from orchestrate.console import Console
from orchestrate.database.objects import marked_databases, marked_roles
from orchestrate.errors import DatabaseError
from orchestrate.publishing import publisher, scope_versions
from orchestrate.repair import find_problems
from orchestrate.reports import render

pytestmark = pytest.mark.slow

CODES = "select procedure_code, patient_count from clients.procedure_summary order by 1"
STUDIES = "select distinct version from residency.fct_studies"


def present(tiny: Tiny) -> tuple[set[str], set[str], set[str]]:
    """Return the databases and roles that are there, and the users with a password."""
    databases = tiny.databases
    with databases.reporting.door.session() as connection:
        return (
            marked_databases(connection, databases.installation),
            marked_roles(connection, databases.installation),
            {*databases.logins.users(), *databases.passwords.users()},
        )


def as_login(tiny: Tiny, login: str, password: str) -> list[Any]:
    """Ask as a login with a password of one's choice."""
    return rows(tiny.reader(login).derive(password=password), "select current_user::text")


def publish(tiny: Tiny, generation: int, *members: Any) -> None:
    tiny.members = members
    tiny.build(generation)
    tiny.publish()


def test_a_scope_goes_with_its_last_login(tiny: Tiny) -> None:
    tiny.publish()
    place = tiny.place("hospice_reader")
    own = {place.group, place.renderer, "hospice_reader"}
    databases, roles, users = present(tiny)
    assert place.database in databases
    assert own <= roles
    assert {place.renderer, "hospice_reader"} <= users
    with closing(tiny.reader("hospice_reader").connect()) as reader:
        reader.cursor().execute("select 1")
        publish(tiny, 2, *(one for one in MEMBERS if one[0] != "hospice_reader"))
        with pytest.raises(Exception, match=r"terminat|closed"):
            reader.cursor().execute("select 1")
    databases, roles, users = present(tiny)
    assert place.database not in databases
    assert not own & (roles | users)
    assert tiny.as_builder(
        "select count(*) from casebook.scopes where specialty_id is not null"
    ) == [(0,)]
    assert tiny.read("open_reader", CODES) == [("73761001", 2)]
    assert find_problems(tiny.settings, tiny.databases) == []


@dataclass(frozen=True)
class _Page:
    """Stands in for what is laid out of a scope's rows."""

    attachments: tuple[object, ...] = ()
    months: tuple[str, str] | None = None


def test_the_folder_of_a_scope_goes_with_it_and_those_of_others_stay(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "read_folder", lambda *_: _Page())
    monkeypatch.setattr(render, "folder_files", lambda _: {"index.html": b"page"})
    output = tmp_path / "output"
    theirs = output / "theirs"
    theirs.mkdir(parents=True)

    def render_all(*audiences: str, login: str | None = None) -> set[str]:
        render.render_reports(
            tiny.settings,
            tiny.databases,
            audiences=audiences or None,
            login=login,
            out_dir=output,
            console=Console(error_stream=tiny.said),
        )
        return {path.name for path in output.iterdir() if path.is_dir()}

    def publish_with_pages(generation: int, *members: Any) -> None:
        tiny.members = members
        tiny.build(generation)
        tiny.as_builder(
            "insert into staging.stg_reference__clients"
            " values ('humana', 'Humana', 'Humana', 'procedures')"
        )
        tiny.publish()

    publish_with_pages(1, *MEMBERS)
    made = {"program", "staff", "humana", "humana_hospice", "theirs"}
    assert render_all() == made
    assert render_all(login="resident_one") == made | {"resident_one"}
    publish_with_pages(2, *(one for one in MEMBERS if one[0] != "hospice_reader"))
    assert render_all("staff") == made | {"resident_one"}
    assert render_all() == (made | {"resident_one"}) - {"humana_hospice"}
    publish_with_pages(3, *(one for one in MEMBERS if one[1] not in ("resident", "client")))
    assert render_all() == {"program", "staff", "theirs"}


def test_a_scope_that_could_not_go_comes_back(tiny: Tiny) -> None:
    """Somebody who is no reader is in its database when it is to be dropped."""
    tiny.publish()
    place = tiny.place("program_director")
    with place.as_builder().session():
        publish(tiny, 2, *(one for one in MEMBERS if one[0] != "program_director"))
        assert f"{place.database}, which no scope uses any more, could" in tiny.said.getvalue()
        with pytest.raises(DatabaseError):
            rows(place.as_renderer(), STUDIES)
        publish(tiny, 3, *MEMBERS)
    assert tiny.place("program_director") == place
    assert tiny.read("program_director", STUDIES) == [(3,)]


def test_a_third_client_is_rows_in_seeds_and_a_login(tiny: Tiny) -> None:
    tiny.publish()
    others = [one[0] for one in MEMBERS]
    catalog = (
        "select oid, relname::text, relacl::text from pg_class"
        " where relnamespace::regnamespace::text in ('clients', 'residency', 'private') order by 1"
    )
    before = [tiny.as_owner(catalog, login) for login in others]
    tiny.members = (*MEMBERS, ("aetna_reader", "client", "aetna", None, None))
    tiny.build(2)
    tiny.as_builder(
        "insert into intermediate.int_client_scopes values ('scope-aetna', 'aetna', 'open');"
        "insert into clients.procedure_summary values ('scope-aetna', 'aetna', '1', '1', 7)"
    )
    tiny.publish()
    assert tiny.read("aetna_reader", CODES) == [("1", 7)]
    assert tiny.read("other_reader", CODES) == [("385763009", 2)]
    assert [tiny.as_owner(catalog, login) for login in others] == before
    assert tiny.place("aetna_reader").database.startswith("reporting_aetna_")
    assert find_problems(tiny.settings, tiny.databases) == []


def test_a_login_in_another_scope_keeps_its_password_and_loses_the_former_database(
    tiny: Tiny,
) -> None:
    tiny.publish()
    former = tiny.place("other_reader").database
    before = elsewhere(tiny.databases, "other_reader", former)
    with closing(before.connect()) as session:
        moved = ("other_reader", "client", "humana", None, None)
        publish(tiny, 2, *(moved if one[0] == moved[0] else one for one in MEMBERS))
        with pytest.raises(Exception, match=r"terminat|closed"):
            session.cursor().execute("select 1")
    place = tiny.place("other_reader")
    assert place == tiny.place("open_reader")
    line = tiny.databases.logins.line(place.server.endpoint, "other_reader")
    assert line is not None
    assert (line.password, line.database) == (before.password(), place.database)
    assert tiny.read("other_reader", CODES) == [("73761001", 2)]
    assert former not in present(tiny)[0]


def goes_on(tiny: Tiny, login: str, generation: int) -> None:
    """Check that a version is published, and that the scope's pages can be made."""
    publish(tiny, generation, *tiny.members)
    place = tiny.place(login)
    assert rows(place.as_renderer(), STUDIES) == [
        (tiny.as_builder("select current_version from casebook.pointer")[0])
    ]
    assert "tidying up afterwards failed" not in tiny.said.getvalue()


@pytest.fixture
def place(tiny: Tiny) -> ScopeDatabase:
    """Return the programme's database after a publication."""
    tiny.publish()
    return tiny.place("program_director")


def test_who_changes_the_own_password_keeps_it_until_removed_and_listed_again(
    tiny: Tiny, place: ScopeDatabase
) -> None:
    line = tiny.databases.logins.line(place.server.endpoint, "program_director")
    assert line is not None
    tiny.read("program_director", "alter role program_director password 'my own'")
    goes_on(tiny, "program_director", 2)
    assert as_login(tiny, "program_director", "my own") == [("program_director",)]
    with pytest.raises(DatabaseError, match="password authentication failed"):
        tiny.read("program_director", STUDIES)
    assert find_problems(tiny.settings, tiny.databases) == []
    director, *others = MEMBERS
    publish(tiny, 3, ("deputy", "program", None, None, None), *others)
    assert tiny.read("deputy", STUDIES) == [(3,)]
    publish(tiny, 4, director, *others)
    assert tiny.read("program_director", STUDIES) == [(4,)]
    with pytest.raises(DatabaseError, match="password authentication failed"):
        as_login(tiny, "program_director", "my own")


def test_who_uses_up_the_own_connections_stops_nothing(tiny: Tiny, place: ScopeDatabase) -> None:
    reader = tiny.reader("program_director")
    with ExitStack() as stack:
        with suppress(DatabaseError):
            for _ in range(100):
                stack.enter_context(closing(reader.connect()))
        with pytest.raises(DatabaseError, match="too many connections"):
            reader.connect()
        goes_on(tiny, "program_director", 2)


def test_who_ends_sessions_ends_the_own_ones_at_most(tiny: Tiny, place: ScopeDatabase) -> None:
    with (
        place.as_renderer().session() as renderer,
        place.as_publisher().session() as publishing,
        closing(tiny.reader("program_director").connect()) as own,
    ):
        for session in (renderer, publishing):
            with pytest.raises(DatabaseError, match="permission denied"):
                tiny.read(
                    "program_director", f"select pg_terminate_backend({session.info.backend_pid})"
                )
            assert session.closed == 0
            session.cursor().execute("select 1")
        # Where a superuser has closed the functions, not even these.
        with suppress(DatabaseError):
            tiny.read("program_director", f"select pg_terminate_backend({own.info.backend_pid})")
    goes_on(tiny, "program_director", 2)


def test_default_rights_that_a_reader_sets_are_cleared_and_stop_nothing(
    tiny: Tiny, place: ScopeDatabase
) -> None:
    tiny.read("program_director", "alter default privileges grant select on tables to public")
    assert any("default rights" in one for one in find_problems(tiny.settings, tiny.databases))
    goes_on(tiny, "program_director", 2)
    assert tiny.as_owner("select count(*) from pg_default_acl") == [
        (1,)
    ]  # the owner's, of functions
    assert find_problems(tiny.settings, tiny.databases) == []


def test_databases_are_filled_two_at_a_time_from_one_moment(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written into the warehouse meanwhile is in none of them."""
    tiny.build(1)
    monkeypatch.setattr(publisher.os, "cpu_count", lambda: 2)
    both, original, filled = Barrier(2), scope_versions.copy_mart, set[str]()

    def copy(source: Any, target: Any, *rest: Any) -> int:
        database = target.connection.info.dbname
        if len(filled) < 2 and database not in filled:
            filled.add(database)
            if both.wait(timeout=60) == 0:
                tiny.as_builder(
                    "update residency.fct_studies set study_id = 'later-' || study_id;"
                    "update clients.procedure_summary set patient_count = 99;"
                    "insert into residency.case_log_totals values ('Three, Cid', 1)"
                )
            both.wait(timeout=60)
        return original(source, target, *rest)

    monkeypatch.setattr(scope_versions, "copy_mart", copy)
    assert tiny.publish().rows["residency.case_log_totals"] == 2
    assert len(filled) == 2
    for login, relations in (
        ("program_director", {"case_log_totals": 2, "fct_studies": 20}),
        ("resident_one", {"case_log_totals": 1, "fct_studies": 10}),
    ):
        for relation, count in relations.items():
            assert tiny.read(login, f"select count(*) from residency.{relation}") == [(count,)]
        later = "select count(*) from residency.fct_studies where study_id like 'later-%'"
        assert tiny.read(login, later) == [(0,)]
    for login in ("open_reader", "hospice_reader", "other_reader"):
        assert {count for _, count in tiny.read(login, CODES)} == {1}
