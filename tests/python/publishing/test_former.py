"""From the one reporting database of releases before 0.2 to a database per scope."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import scoped
import servers
from postgres15 import BUILDER, SystemPostgres
from psycopg2 import Error
from tiny import MEMBERS, Tiny

from orchestrate.access.scopes import GROUPS, OWNER, PUBLISHER, group_of
from orchestrate.console import Console
from orchestrate.database import Databases, ReportingServer, open_databases
from orchestrate.database.objects import ensure_database, ensure_role, marked_databases
from orchestrate.publishing import published_versions
from orchestrate.repair import find_problems
from orchestrate.settings import Settings

pytestmark = pytest.mark.slow

STUDIES = "select distinct version from residency.fct_studies"
# What of it a publication looks at, and a table in which everybody's rows were.
FORMER = """
    create schema private;
    create table private.pointer (current_version bigint, highest_version bigint);
    insert into private.pointer values (6, 7);
    create schema residency;
    create table residency.fct_studies as select 6::bigint as version, 'g0-1'::text as study_id;
    grant usage on schema residency to casebook_program;
    grant select on residency.fct_studies to casebook_program;
"""


def make_former(databases: Databases, server: ReportingServer) -> None:
    """Make what the release before left on a server: groups that may enter, logins, version 7."""
    installation = databases.installation
    databases.logins.forget(server.endpoint)
    with server.door.session() as connection, connection.cursor() as cursor:
        for role in (OWNER, *GROUPS):
            ensure_role(connection, role, installation=installation)
        for login, group, passwords in (
            (PUBLISHER, OWNER, databases.passwords),
            *((login, group_of(audience), databases.logins) for login, audience, *_ in MEMBERS),
        ):
            password = passwords.ensure(server.endpoint, login)
            ensure_role(connection, login, installation=installation, limit=-1, password=password)
            cursor.execute(f"grant {group} to {login}")
        ensure_database(connection, server.base, installation=installation)
        for role in (PUBLISHER, *GROUPS):
            cursor.execute(f"grant connect on database {server.base} to {role}")
        cursor.execute(f"grant create on database {server.base} to {OWNER}")
    publisher = server.door.derive(
        user=PUBLISHER, dbname=server.base, passfile=str(databases.passwords.path)
    )
    scoped.rows(publisher, FORMER, f"set role {OWNER}")


@pytest.fixture
def former(tiny: Tiny) -> Iterator[Tiny]:
    """Return a tiny Casebook of which the release before has published version 6."""
    scoped.drop_everything(tiny.databases)
    make_former(tiny.databases, tiny.databases.reporting)
    yield tiny
    scoped.drop_everything(tiny.databases)


def databases_of(tiny: Tiny, server: ReportingServer) -> set[str]:
    with server.door.session() as connection:
        return marked_databases(connection, tiny.databases.installation)


def test_a_run_goes_on_with_versions_logins_and_passwords_and_drops_it(former: Tiny) -> None:
    reporting, logins = former.databases.reporting, former.databases.logins
    before = {one[0]: logins.find(reporting.endpoint, one[0]) for one in MEMBERS}
    login = reporting.door.derive(
        user="program_director", dbname=reporting.base, passfile=str(logins.path)
    )
    with closing(login.connect()) as session:
        session.cursor().execute(STUDIES)
        assert former.publish().version == 8
        with pytest.raises(Error, match=r"terminat|closed"):
            session.cursor().execute("select 1")
    assert [one.version for one in published_versions(former.databases)] == [8]
    assert reporting.base not in databases_of(former, reporting)
    for name, password in before.items():
        line = logins.line(reporting.endpoint, name)
        assert line is not None
        assert (line.password, line.database) == (password, former.place(name).database)
        former.read(name, "select 1")
    assert former.read("program_director", STUDIES) == [(8,)]
    memberships = (
        "select pg_get_userbyid(roleid)::text from pg_auth_members"
        " where pg_get_userbyid(member) = 'open_reader'"
    )
    assert former.as_builder(memberships) == [(former.place("open_reader").group,)]
    assert find_problems(former.settings, former.databases) == []
    assert former.publish().version == 9


def test_a_session_that_keeps_it_from_being_dropped_is_told_and_the_next_run_does_it(
    former: Tiny,
) -> None:
    reporting = former.databases.reporting
    settings = Settings.from_environment(
        servers.variables(former.databases.logins.path.parent.parent)
    )
    with servers.administrator_of(settings, reporting.base).session() as held:
        held.cursor().execute("select 1")
        assert former.publish().version == 8
        said = former.said.getvalue()
        assert f"The database {reporting.base}, which no scope uses any more, could not be" in said
        assert "the next run tries again" in said
        for login in ("program_director", "open_reader"):
            with pytest.raises(Exception, match=r"permission denied|too many connections"):
                scoped.elsewhere(former.databases, login, reporting.base).connect()
    assert former.publish().version == 9
    assert reporting.base not in databases_of(former, reporting)


def test_what_stops_a_publication_leaves_readers_what_they_saw(former: Tiny) -> None:
    """Up to the decision nobody is moved."""
    former.as_builder("update residency.fct_studies set resident_name = 'Nobody'")
    with pytest.raises(Exception, match="foreign key"):
        former.publish()
    reporting = former.databases.reporting
    login = reporting.door.derive(
        user="program_director",
        dbname=reporting.base,
        passfile=str(former.databases.logins.path),
    )
    assert scoped.rows(login, STUDIES) == [(6,)]


def test_it_is_dropped_from_a_server_of_its_own(
    tiny: Tiny, system_postgres: SystemPostgres
) -> None:
    """There its name is that in the URL, by which the builder has come in until now."""
    system_postgres.make_least_privileged_builder("of-the-builder")
    home = tiny.databases.logins.path.parent.parent
    settings = Settings.from_environment(
        {
            **servers.variables(home),
            "CASEBOOK_REPORTING_URL": system_postgres.url(BUILDER, "of-the-builder", "shown"),
        }
    )
    tiny.databases = open_databases(settings, Console(error_stream=tiny.said))
    scoped.drop_everything(tiny.databases)
    make_former(tiny.databases, tiny.databases.reporting)
    tiny.databases = open_databases(settings, Console(error_stream=tiny.said))
    assert tiny.publish().version == 8
    assert tiny.read("program_director", STUDIES) == [(8,)]
    names = databases_of(tiny, tiny.databases.reporting)
    assert "shown" not in names
    assert tiny.place("program_director").database in names
    for file in (tiny.databases.logins, tiny.databases.passwords):
        file.forget(tiny.databases.reporting.endpoint)
    scoped.drop_everything(tiny.databases)
