"""Functions are published with the marts: as declared, for those who may read what they read."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_manifest import function

from orchestrate.errors import DatabaseError, DataError

pytestmark = pytest.mark.slow

BODY = """
    select procedure_code, patient_count
    from "warehouse"."clients"."procedure_summary"
    where code is null or procedure_code = code
"""
PLPGSQL = """
#variable_conflict use_column
begin
    if code = 'x' then
        raise exception 'there is no such code';
    end if;
    return query
    select procedure_code, patient_count from "warehouse"."clients"."procedure_summary";
end
"""
CALL = "select procedure_code from clients.counted() order by procedure_code"


def declare(tiny: Any, *functions: dict[str, Any]) -> None:
    """Put functions into the manifest and build it."""
    tiny.manifest["functions"] = {one["unique_id"]: one for one in functions}
    tiny.build()


def definition(tiny: Any, login: str = "other_reader") -> list[Any]:
    """Return what the catalog of a login's database knows of the functions outside `private`."""
    found: list[Any] = tiny.as_owner(
        "select pg_proc.oid, pg_get_functiondef(pg_proc.oid), proacl::text,"
        " obj_description(pg_proc.oid, 'pg_proc') from pg_proc"
        " where pronamespace in (select oid from pg_namespace"
        " where nspname in ('clients', 'residency'))",
        login,
    )
    return found


def test_each_caller_gets_its_own_rows(tiny: Any) -> None:
    declare(tiny, function("counted", BODY))
    tiny.publish()
    assert tiny.read("open_reader", CALL) == [("73761001",)]
    assert tiny.read("hospice_reader", CALL) == [("385763009",), ("73761001",)]
    assert tiny.read("other_reader", "select * from clients.counted('385763009')") == [
        ("385763009", 1)
    ]
    ((_, text, rights, comment),) = definition(tiny)
    assert '"clients"."procedure_summary"' in text
    assert "warehouse" not in text
    assert "STABLE" in text
    assert "SECURITY DEFINER" not in text
    assert "SET search_path TO 'pg_catalog', 'pg_temp'" in text
    assert rights == "{casebook_owner=X/casebook_owner,casebook_client=X/casebook_owner}"
    assert comment == "Says counted."


@pytest.mark.parametrize("login", ["program_director", "staff_member"])
def test_nobody_else_may_call_it(tiny: Any, login: str) -> None:
    declare(tiny, function("counted", BODY))
    tiny.publish()
    with pytest.raises(DatabaseError, match='schema "clients" does not exist'):
        tiny.read(login, CALL)
    assert definition(tiny, login) == []


def test_other_languages_than_sql_are_named_in_meta(tiny: Any) -> None:
    counted = function("counted", PLPGSQL)
    counted["config"]["meta"]["language"] = "plpgsql"
    declare(tiny, counted)
    tiny.publish()
    assert tiny.read("open_reader", CALL) == [("73761001",)]
    with pytest.raises(DatabaseError, match="there is no such code"):
        tiny.read("open_reader", "select * from clients.counted('x')")


def test_what_did_not_change_is_left_alone(tiny: Any) -> None:
    declare(tiny, function("counted", BODY))
    tiny.publish()
    before = definition(tiny)
    tiny.publish()
    assert definition(tiny) == before


def test_another_body_replaces_and_another_form_makes_anew(tiny: Any) -> None:
    declare(tiny, function("counted", BODY))
    tiny.publish()
    ((first, *_),) = definition(tiny)

    declare(tiny, function("counted", BODY.replace("patient_count", "patient_count + 1")))
    tiny.publish()
    ((second, *_),) = definition(tiny)
    assert second == first
    assert tiny.read("other_reader", "select patients from clients.counted()") == [(2,)]

    declare(tiny, function("counted", "select 5::bigint", returns={"data_type": "bigint"}))
    tiny.publish()
    ((third, *_),) = definition(tiny)
    assert third != first
    assert tiny.read("other_reader", "select clients.counted()") == [(5,)]

    declare(tiny, function("counted", "select 6::bigint", returns={"data_type": "bigint"}))
    tiny.manifest["functions"]["function.casebook.counted"]["arguments"] = []
    tiny.publish()
    assert tiny.read("other_reader", "select clients.counted()") == [(6,)]
    assert len(definition(tiny)) == 1

    declare(tiny)
    tiny.publish()
    assert definition(tiny) == []


def test_a_function_that_fails_to_be_made_changes_nothing(tiny: Any) -> None:
    declare(tiny, function("counted", BODY))
    tiny.publish()
    before = tiny.content(), definition(tiny)
    declare(tiny, function("counted", BODY.replace("patient_count", "no_such_column")))
    with pytest.raises(DatabaseError, match="no_such_column"):
        tiny.publish()
    assert (tiny.content(), definition(tiny)) == before


def test_what_was_done_to_a_function_ends_with_the_next_publication(tiny: Any) -> None:
    declare(tiny, function("counted", BODY))
    tiny.publish()
    before = definition(tiny)
    tiny.as_owner("alter function clients.counted(text) security definer", "other_reader")
    tiny.as_owner("grant execute on function clients.counted(text) to public", "other_reader")
    tiny.publish()
    assert definition(tiny) == before


def test_a_function_of_somebody_else_stops_the_publication(tiny: Any) -> None:
    tiny.publish()
    before = tiny.content()
    builder = tiny.place("program_director").as_builder()
    with builder.session() as connection, connection.cursor() as cursor:
        cursor.execute("create schema theirs")
        cursor.execute("create function theirs.look() returns int language sql as 'select 1'")
        cursor.execute("revoke all on function theirs.look() from public")
        try:
            with pytest.raises(
                DatabaseError, match=r"function theirs\.look\(\) .* is not declared"
            ):
                tiny.publish()
        finally:
            cursor.execute("drop schema theirs cascade")
    assert tiny.content() == before


def test_a_function_whose_contract_is_open_is_refused(tiny: Any) -> None:
    declare(tiny, function("counted", BODY, description=""))
    with pytest.raises(DataError, match=r"clients\.counted: it has no description"):
        tiny.publish()


@pytest.mark.parametrize(
    "damage",
    [
        "alter function clients.counted(text) volatile",
        "alter function clients.counted(text) security definer",
        "alter function clients.counted(text) reset search_path",
        "drop function clients.counted(text)",
    ],
)
def test_what_dbt_did_not_build_so_is_refused(tiny: Any, damage: str) -> None:
    declare(tiny, function("counted", BODY))
    tiny.as_builder(damage)
    with pytest.raises(DataError, match=r"clients\.counted cannot be published"):
        tiny.publish()


def test_what_reads_more_of_the_warehouse_is_refused(tiny: Any) -> None:
    body = BODY + ' union all select login, 1 from "warehouse"."staging"."stg_reference__members"'
    declare(tiny, function("counted", body))
    with pytest.raises(DataError, match="reads more than public marts"):
        tiny.publish()
