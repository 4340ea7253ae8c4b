"""Every attack learns nothing while its guards stand, and something when one of them is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import servers
from scoped import elsewhere
from tiny import Tiny, make_tiny

from orchestrate.access.policies import (
    Given,
    access_changes,
    apply_access,
    roles_with_default_rights,
)
from orchestrate.access.roles import CONNECTION_LIMIT, RESERVED_CONNECTIONS
from orchestrate.database import ConnectionTarget
from orchestrate.errors import DatabaseError
from orchestrate.publishing.scope_versions import access_problems
from orchestrate.settings import Settings
from tests.python.access.attackers import (
    FORMER,
    LOGIN,
    OTHER,
    RELATION,
    SCANNING,
    VERSION,
    Attacker,
)
from tests.python.access.attacks import ATTACKS, Attack, Guard

# Rows of one's own scope, the same for who sees more, and 36 that only the latter has.
ROWS = f"""
insert into {RELATION} (scope_id, client_id, procedure_code, specialty_id, patient_count)
select scope_id, 'humana', code || '-' || number, code || '0' || number, 1
from generate_series(10, 22) as number
cross join (values ('scope-humana-open'), ('scope-humana-more')) as scopes (scope_id)
cross join (values ('1'), ('9')) as codes (code)
union all
select 'scope-humana-more', 'humana', '2-' || number, 'hospice', 1
from generate_series(10, 45) as number
"""
# What the version before has of one's own, and the one that is shown has not.
FORMER_ROWS = f"""
insert into {RELATION} (scope_id, client_id, procedure_code, specialty_id, patient_count)
values ('scope-humana-open', 'humana', '{FORMER}', null, 1)
"""


@dataclass(frozen=True)
class Victim:
    """A published Casebook under attack, and its server's settings."""

    tiny: Tiny
    settings: Settings

    def superuser(self, login: str = LOGIN) -> ConnectionTarget:
        """Return how the superuser connects to the database that a login reads."""
        return servers.administrator_of(self.settings, self.tiny.place(login).database)

    def connect(self, database: str = "") -> Any:
        """Connect as the attacker, to its own database or to another."""
        own = self.tiny.place(LOGIN).database
        return elsewhere(self.tiny.databases, LOGIN, database or own).connect(autocommit=True)

    def learned(self, attack: Attack) -> list[str]:
        """Attack over a new connection of the attacker's."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            let_other_read = partial(self.tiny.read, OTHER, f"table {RELATION}")
            return attack.learn(Attacker(cursor, self.connect, let_other_read))

    @contextmanager
    def without(self, *guards: Guard) -> Iterator[None]:
        """Take guards away, and put them back."""
        other = self.tiny.place("other_reader")
        names = {
            "{own}": self.tiny.place(LOGIN).database,
            "{other}": other.database,
            "{other_group}": other.group,
        }

        def run(cursor: Any, statement: str) -> None:
            for name, value in names.items():
                statement = statement.replace(name, value)
            cursor.execute(statement)

        with self.superuser().session() as connection, connection.cursor() as cursor:
            try:
                for guard in guards:
                    for statement in guard.removed:
                        run(cursor, statement)
                yield
            finally:
                for guard in reversed(guards):
                    for statement in guard.restored:
                        run(cursor, statement)
                self.mend()

    def mend(self) -> None:
        """Bring policies, rights and functions back, and see that nothing else was left behind."""
        place = self.tiny.place(LOGIN)
        with place.as_owner() as cursor:
            cursor.execute(
                "select given from private.versions"
                " inner join private.pointer on version = current_version"
            )
            ((content,),) = cursor.fetchall()
            given = Given.from_json(content)
            apply_access(cursor, place, given)
            assert access_changes(cursor, place, given) == []


@pytest.fixture(scope="module")
def victim(tiny_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """Publish two versions, the first with a row that the second has not."""
    with make_tiny(tiny_server, tmp_path_factory.mktemp("attacks")) as tiny:
        tiny.as_builder(f"{ROWS}; {FORMER_ROWS}")
        tiny.publish()
        tiny.as_builder(f"delete from {RELATION} where procedure_code = '{FORMER}'")
        assert tiny.publish().version == VERSION
        home = tiny.databases.logins.path.parent.parent
        yield Victim(tiny, Settings.from_environment(servers.variables(home)))


def name_of(value: object) -> str | None:
    """Name a test's parameter."""
    if isinstance(value, Attack):
        return value.learn.__name__
    return value.what if isinstance(value, Guard) else None


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_an_attack_learns_nothing(victim: Victim, attack: Attack) -> None:
    with victim.without(attack.given):
        assert victim.learned(attack) == []


@pytest.mark.parametrize(
    ("attack", "guard"),
    [(attack, guard) for attack in ATTACKS for guard in attack.guards],
    ids=name_of,
)
def test_without_its_guard_it_learns_something(
    victim: Victim, attack: Attack, guard: Guard
) -> None:
    with victim.without(attack.given, guard):
        assert victim.learned(attack) != []


def measured(victim: Victim) -> list[Any]:
    """Return every total that a reader can get of its tables: rows removed, pages, sizes."""
    with closing(victim.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(SCANNING)
        cursor.execute(
            f"explain (analyze, timing off, summary off, format json) select from {RELATION}"
        )
        plan = cursor.fetchone()[0][0]["Plan"]
        cursor.execute(
            "select oid::regclass::text, relpages, reltuples, pg_relation_size(oid)"
            " from pg_class where relkind in ('r', 'i') and oid >= 16384 order by 1"
        )
        return [plan["Rows Removed by Filter"], plan["Plan Rows"], cursor.fetchall()]


def with_more_rows(victim: Victim, login: str) -> None:
    """Add rows that nobody asked about where a login reads."""
    with victim.superuser(login).session() as connection, connection.cursor() as cursor:
        cursor.execute(
            f"insert into {RELATION} select 0, 'humana', 'foreign ' || number, 'hospice', 1"
            " from generate_series(1, 500) as number"
        )
        cursor.execute(f"analyze {RELATION}")


def test_no_total_tells_of_rows_of_others(victim: Victim) -> None:
    """See it told where they are in the reader's table, though of a version that nobody sees."""
    before = measured(victim)
    try:
        with_more_rows(victim, OTHER)
        assert measured(victim) == before
        with_more_rows(victim, LOGIN)
        assert measured(victim) != before
    finally:
        for login in (LOGIN, OTHER):
            with victim.superuser(login).session() as connection, connection.cursor() as cursor:
                cursor.execute(f"delete from {RELATION} where version = 0")
                cursor.execute(f"analyze {RELATION}")


def test_a_reader_that_changes_its_password_stops_no_page(victim: Victim) -> None:
    """See it stop them where they are rendered over a reader's login."""
    place = victim.tiny.place(LOGIN)
    line = victim.tiny.databases.logins.line(place.server.endpoint, LOGIN)
    assert line
    with closing(victim.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("alter role current_user password 'my own'")
        try:
            place.as_renderer().connect().close()
            if not servers.is_postgres15():
                # Over the socket of the embedded server passwords are asked for, too.
                with pytest.raises(DatabaseError, match="password"):
                    place.as_reader(LOGIN).connect()
        finally:
            cursor.execute("alter role current_user password %s", (line.password,))


def test_a_reader_that_holds_its_connections_stops_no_page(victim: Victim) -> None:
    """See it stop them where they are rendered over a reader's login."""
    place = victim.tiny.place(LOGIN)
    with ExitStack() as held:
        for _ in range(CONNECTION_LIMIT):
            try:
                held.enter_context(closing(victim.connect()))
            except DatabaseError:
                break
        with pytest.raises(DatabaseError, match="too many connections"):
            place.as_reader(LOGIN).connect()
        place.as_renderer().connect().close()
        place.as_publisher().connect().close()


def test_all_readers_together_leave_connections_for_a_run(victim: Victim) -> None:
    with victim.superuser().session() as connection, connection.cursor() as cursor:
        cursor.execute(
            "select sum(rolconnlimit), min(rolconnlimit) from pg_roles"
            " where rolname in (select login from unnest(%s) as login)",
            ([row[0] for row in victim.tiny.members],),
        )
        taken, least = cursor.fetchone()
        cursor.execute(
            "select current_setting('max_connections')::integer"
            " - current_setting('superuser_reserved_connections')::integer,"
            " coalesce(current_setting('reserved_connections', true)::integer, 0)"
        )
        available, reserved = cursor.fetchone()
    assert least >= 1
    assert reserved >= RESERVED_CONNECTIONS or taken + RESERVED_CONNECTIONS <= available


def test_default_rights_that_a_reader_gives_are_told_and_end(victim: Victim) -> None:
    place = victim.tiny.place(LOGIN)
    with closing(victim.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("alter default privileges grant select on tables to public")
    with place.as_owner() as cursor:
        assert roles_with_default_rights(cursor) == [LOGIN]
    assert f"{LOGIN} gives default rights on what it may come to make" in access_problems(place)
    victim.tiny.publish()
    with place.as_owner() as cursor:
        assert roles_with_default_rights(cursor) == []
