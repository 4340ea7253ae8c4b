"""dbt that begins to build anew while what it built before is being published."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg2 import sql
from psycopg2.errors import LockNotAvailable

from orchestrate.publishing import publisher

RELATIONS = (
    ("residency", "fct_studies"),
    ("residency", "case_log_group_progress"),
    ("clients", "procedure_summary"),
    ("staging", "stg_reference__members"),
)
# As dbt replaces a table, in a transaction of its own.
REPLACE = """
    set lock_timeout = '50ms';
    create table {new} as table {old};
    drop table {old} cascade;
    alter table {new} rename to {name}
"""


def test_a_table_that_dbt_would_replace_meanwhile_is_not_published_empty(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the snapshot that is published the new table would have no rows, nobody a login."""
    read_known = publisher.read_known
    waited: list[tuple[str, str]] = []

    def replace(schema: str, name: str) -> None:
        names = {
            "new": sql.Identifier(schema, f"{name}__new"),
            "old": sql.Identifier(schema, name),
            "name": sql.Identifier(name),
        }
        connection = tiny.databases.warehouse.connect()
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql.SQL(REPLACE).format(**names))
        except LockNotAvailable:
            waited.append((schema, name))
        finally:
            connection.close()

    def read_meanwhile(*args: Any) -> Any:
        for relation in RELATIONS:
            replace(*relation)
        return read_known(*args)

    monkeypatch.setattr(publisher, "read_known", read_meanwhile)
    published = tiny.publish()
    assert published.rows == {
        "residency.case_log_totals": 2,
        "residency.fct_studies": 20,
        "residency.case_log_group_progress": 1,
        "clients.procedure_summary": 4,
    }
    assert tiny.as_builder("select count(*) from casebook.members") == [(len(tiny.members),)]
    assert tuple(waited) == RELATIONS
    # Afterwards nothing is in the way any more.
    waited.clear()
    replace(*RELATIONS[0])
    assert waited == []
