"""What a session prepared before shows what its login may see now, whatever became of the member.

Statements are prepared in a session that stays open while a publication changes the members.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tiny import Row, Tiny

LOGIN = "hospice_reader"
OPEN, RESTRICTED = "73761001", "385763009"
# What becomes of the member, and the codes and client that it sees from then on.
CHANGES = {
    "no specialty": (("client", "humana", None), [("humana", OPEN)]),
    "a specialty that is open to all": (("client", "humana", "73761001"), [("humana", OPEN)]),
    "an unknown specialty": (("client", "humana", "nonsense"), []),
    "another client": (("client", "united", None), [("united", RESTRICTED)]),
    "an unknown client": (("client", "aetna", None), []),
}
QUERY = "select client_id, procedure_code from clients.procedure_summary order by 2"
BEFORE = [("humana", RESTRICTED), ("humana", OPEN)]


@pytest.fixture
def prepared(tiny: Tiny) -> Iterator[Any]:
    """Return a cursor of the login's with a statement that has been prepared, planned and run."""
    tiny.publish()
    target = tiny.databases.reader(LOGIN)
    with closing(target.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        for name, mode in (("generic", "force_generic_plan"), ("custom", "auto")):
            cursor.execute(f"set plan_cache_mode = {mode}")
            cursor.execute(f"prepare {name} as {QUERY}")
            assert executed(cursor, name) == BEFORE
        yield cursor


def executed(cursor: Any, name: str) -> list[Row]:
    """Run a prepared statement."""
    cursor.execute(f"execute {name}")
    rows: list[Row] = cursor.fetchall()
    return rows


@pytest.mark.parametrize(("member", "seen"), CHANGES.values(), ids=CHANGES)
def test_a_member_who_changed_sees_by_the_new_row(
    tiny: Tiny, prepared: Any, member: Row, seen: list[Row]
) -> None:
    tiny.members = [row for row in tiny.members if row[0] != LOGIN] + [(LOGIN, *member, None)]
    tiny.publish(build=True)
    for name in ("generic", "custom"):
        assert executed(prepared, name) == seen


def test_a_scope_that_is_part_of_the_plan_would_stay(tiny: Tiny, prepared: Any) -> None:
    """See the test above fail: a function that may be computed at planning keeps the old scope."""
    tiny.as_owner("alter function private.reader_scope() immutable")
    prepared.execute(f"prepare planned as {QUERY}")
    prepared.execute("set plan_cache_mode = force_generic_plan")
    assert executed(prepared, "planned") == BEFORE
    tiny.as_owner(
        f"update private.members set scope_id = 'scope-humana-open' where login = '{LOGIN}'"
    )
    assert executed(prepared, "planned") == BEFORE
    assert executed(prepared, "custom") == BEFORE[1:]
