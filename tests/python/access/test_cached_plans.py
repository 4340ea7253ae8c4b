"""What a session prepared before shows what its login may see now, whatever became of the member.

Statements are prepared in a session that stays open while a publication changes the members.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
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
MODES = (("generic", "force_generic_plan"), ("custom", "auto"))


@pytest.fixture
def prepared(tiny: Tiny) -> Iterator[Any]:
    """Return a cursor of the login's with a statement that has been prepared, planned and run."""
    tiny.publish()
    target = tiny.reader(LOGIN)
    with closing(target.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        for name, mode in MODES:
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
def test_a_member_who_changed_has_no_session_where_it_was(
    tiny: Tiny, prepared: Any, member: Row, seen: list[Row]
) -> None:
    tiny.members = [row for row in tiny.members if row[0] != LOGIN] + [(LOGIN, *member, None)]
    tiny.publish(build=True)
    for name, _ in MODES:
        with pytest.raises(psycopg2.Error):
            executed(prepared, name)
    assert tiny.read(LOGIN, QUERY) == seen


def test_a_plan_of_before_shows_the_version_of_now(tiny: Tiny, prepared: Any) -> None:
    counted = "select distinct version, patient_count from clients.procedure_summary"
    for name, mode in MODES:
        prepared.execute(f"set plan_cache_mode = {mode}")
        prepared.execute(f"prepare counted_{name} as {counted}")
        assert executed(prepared, f"counted_{name}") == [(1, 1)]
    tiny.build(2)
    tiny.publish()
    for name, _ in MODES:
        assert executed(prepared, f"counted_{name}") == [(2, 2)]
        assert executed(prepared, name) == BEFORE


def test_a_version_that_is_part_of_the_plan_would_stay(tiny: Tiny, prepared: Any) -> None:
    """See the test above fail: a function that may be computed at planning keeps the old one."""
    tiny.as_owner("alter function private.current_version() immutable", LOGIN)
    prepared.execute("prepare planned as select version from clients.procedure_summary limit 1")
    prepared.execute("set plan_cache_mode = force_generic_plan")
    assert executed(prepared, "planned") == [(1,)]
    tiny.as_owner("update private.pointer set current_version = null", LOGIN)
    assert executed(prepared, "planned") == [(1,)]
    assert executed(prepared, "custom") == []
