"""A reader holds what readers can hold, and a publication goes on.

What becomes of one who holds a table that has to change is in test_migration.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from psycopg2.errors import InsufficientPrivilege
from tiny import Tiny

from orchestrate.access import scopes

LOGIN = "program_director"
# What readers may do, advisory locks only where the server's functions are not closed.
HOLDS = {
    "rows": "select * from residency.fct_studies",
    "a cursor": "declare held cursor for select * from residency.fct_studies",
    "the catalog": "select * from pg_class, pg_policy",
    "advisory locks": "select pg_advisory_lock(number) from generate_series(-99, 999) as number",
    "locks on every number of the catalog": "select pg_advisory_lock(oid::bigint) from pg_class",
    "a channel": "listen casebook; notify casebook, 'something'",
}


@pytest.fixture
def reader(tiny: Tiny) -> Iterator[Any]:
    """Return a cursor in an open transaction of a reader, after a publication."""
    tiny.publish()
    with (
        closing(tiny.reader(LOGIN).connect()) as connection,
        connection.cursor() as cursor,
    ):
        yield cursor


@pytest.mark.parametrize("statement", HOLDS.values(), ids=HOLDS)
def test_a_publication_goes_on(
    tiny: Tiny, reader: Any, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """Whoever waits for the reader, who never ends, fails at once."""
    monkeypatch.setattr(scopes, "LOCK_TIMEOUT", "50ms")
    with suppress(InsufficientPrivilege):
        reader.execute(statement)
    tiny.build(2)
    assert tiny.publish().version == 2
    totals = "select version, chest_xray from residency.case_log_totals order by 2 desc limit 1"
    assert tiny.read(LOGIN, totals) == [(2, 2)]
    assert "tidying up afterwards failed" not in tiny.said.getvalue()
