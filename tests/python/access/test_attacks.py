"""Every attack learns nothing while its guards stand, and something when one of them is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import servers
from tiny import Tiny, make_tiny

from orchestrate.access.policies import apply_access, declared_access, difference, live_access
from orchestrate.contracts import read_marts
from orchestrate.database import ConnectionTarget
from orchestrate.settings import Settings
from tests.python.access.attackers import LOGIN, OTHER, RELATION, VERSION, Attacker
from tests.python.access.attacks import ATTACKS, Attack, Guard

# Rows of one's own (scope-humana-open), the same for who sees more, and 36 out of sight.
ROWS = f"""
insert into {RELATION}
select scope_id, 'humana', code || '-' || number, code || '0' || number, 1
from generate_series(10, 22) as number
cross join (values ('scope-humana-open'), ('scope-humana-more')) as scopes (scope_id)
cross join (values ('1'), ('9')) as codes (code)
union all
select 'scope-humana-more', 'humana', '2-' || number, 'hospice', 1
from generate_series(10, 45) as number
"""


@dataclass(frozen=True)
class Victim:
    """A published Casebook under attack, and its server's superuser."""

    tiny: Tiny
    superuser: ConnectionTarget

    def learned(self, attack: Attack) -> list[str]:
        """Attack over a new connection of the attacker's."""
        target = self.tiny.databases.reader(LOGIN)
        with (
            closing(target.connect(autocommit=True)) as connection,
            connection.cursor() as cursor,
        ):
            return attack.learn(
                Attacker(cursor, lambda: self.tiny.read(OTHER, f"table {RELATION}"))
            )

    @contextmanager
    def without(self, *guards: Guard) -> Iterator[None]:
        """Take guards away, and put them back."""
        with self.superuser.session() as connection, connection.cursor() as cursor:
            try:
                for guard in guards:
                    for statement in guard.removed:
                        cursor.execute(statement)
                yield
            finally:
                for guard in reversed(guards):
                    for statement in guard.restored:
                        cursor.execute(statement)
                self.mend()

    def mend(self) -> None:
        """Bring policies, rights and functions back, and see that nothing else was left behind."""
        declared = declared_access(read_marts(self.tiny.manifest))
        with self.tiny.databases.publisher.connect() as connection, connection.cursor() as cursor:
            cursor.execute("set role casebook_owner")
            apply_access(cursor, declared)
            assert difference(declared, live_access(cursor)) == []
        connection.close()


@pytest.fixture(scope="module")
def victim(tiny_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """Publish rows of one's own and of others, one after the other in the order of their keys."""
    with make_tiny(tiny_server, tmp_path_factory.mktemp("attacks")) as tiny:
        tiny.as_builder(ROWS)
        while tiny.publish().version < VERSION:
            pass
        home = tiny.databases.logins.path.parent.parent
        settings = Settings.from_environment(servers.variables(home))
        yield Victim(tiny, servers.administrator_of(settings))


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
