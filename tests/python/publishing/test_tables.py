"""Tables follow their contracts where nothing breaks, and only there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tiny_manifest import constraint

from orchestrate.errors import DatabaseError, DataError
from orchestrate.publishing.tables import is_wider_or_same

pytestmark = pytest.mark.slow


def column(data_type: str) -> dict[str, Any]:
    return {"name": "new", "data_type": data_type, "description": "New.", "constraints": []}


def test_added_and_wider_columns_and_comments_are_taken_over(tiny: Any) -> None:
    tiny.publish()
    studies = tiny.node("fct_studies")
    studies["columns"]["accession_count"] = column("integer")
    studies["columns"]["rvu"]["data_type"] = "numeric(18,4)"
    studies["columns"]["rvu"]["description"] = "Relative value units."
    tiny.node("case_log_totals")["columns"]["chest_xray"]["data_type"] = "bigint"
    tiny.publish(build=True)
    described = tiny.as_owner(
        "select attname::text, format_type(atttypid, atttypmod), col_description(attrelid, attnum)"
        " from pg_attribute where attrelid = 'residency.fct_studies'::regclass"
        " and attnum > 3 order by attnum"
    )
    assert described == [
        ("rvu", "numeric(18,4)", "Relative value units."),
        ("accession_count", "integer", "New."),
    ]
    assert tiny.read("program_director", "select count(accession_count) from residency.fct_studies")
    assert (
        tiny.read(
            "program_director", "select pg_typeof(chest_xray)::text from residency.case_log_totals"
        )
        == [("bigint",)] * 2
    )


def test_an_unchanged_contract_changes_no_table(tiny: Any) -> None:
    """Readers in long transactions would block, and be blocked by, any change of a table."""
    tiny.publish()
    catalog = (
        "select 'class', xmin::text, oid::text from pg_class where relnamespace in"
        " ('residency'::regnamespace, 'private'::regnamespace)"
        " and reltuples >= -1 union all select 'policy', xmin::text, oid::text from pg_policy"
        " union all select 'column', xmin::text, attrelid::text || attname from pg_attribute"
        " where attrelid in (select oid from pg_class where relnamespace in"
        " ('residency'::regnamespace)) and attnum > 0 order by 1, 3"
    )
    before = [row for row in tiny.as_owner(catalog) if row[0] != "class"]
    with tiny.reader("program_director").connect() as connection:
        with connection.cursor() as cursor:
            cursor.execute("select * from residency.fct_studies")
            tiny.publish()
        connection.rollback()
    connection.close()
    assert [row for row in tiny.as_owner(catalog) if row[0] != "class"] == before


def retype(tiny: Any) -> None:
    tiny.node("fct_studies")["columns"]["rvu"]["data_type"] = "text"


def narrow(tiny: Any) -> None:
    tiny.node("fct_studies")["columns"]["rvu"]["data_type"] = "numeric(10,4)"


def remove(tiny: Any) -> None:
    del tiny.node("fct_studies")["columns"]["rvu"]


def change_grain(tiny: Any) -> None:
    tiny.node("fct_studies")["constraints"][0]["columns"] = ["study_id", "resident_name"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (retype, "rvu would turn from numeric(14,4) into text"),
        (narrow, "rvu would turn from numeric(14,4) into numeric(10,4)"),
        (remove, "column rvu is gone"),
        (change_grain, "its key would turn from (version, study_id) into"),
    ],
)
def test_what_would_break_readers_tools_is_refused(
    tiny: Any, change: Callable[[Any], None], text: str
) -> None:
    tiny.publish()
    before = tiny.content()
    change(tiny)
    with pytest.raises(DataError) as raised:
        tiny.publish(build=True)
    assert text in str(raised.value)
    assert "drop table residency.fct_studies" in raised.value.cure
    assert tiny.content() == before


def test_the_way_that_the_refusal_names_works(tiny: Any) -> None:
    tiny.publish()
    remove(tiny)
    for login in ("program_director", "resident_one"):
        tiny.as_owner("drop table residency.fct_studies cascade", login)
    tiny.publish(build=True)
    assert tiny.read("program_director", "select count(*) from residency.fct_studies") == [(20,)]


def test_foreign_keys_come_and_go(tiny: Any) -> None:
    tiny.publish()
    key = tiny.node("fct_studies")["constraints"].pop()
    tiny.publish()
    keys = "select count(*) from pg_constraint where contype = 'f'"
    assert tiny.as_owner(keys) == [(0,)]
    tiny.node("fct_studies")["constraints"].append(key)
    tiny.publish()
    assert tiny.as_owner(keys) == [(1,)]
    tiny.as_builder("update residency.fct_studies set resident_name = 'Nobody'")
    with pytest.raises(DatabaseError, match="foreign key"):
        tiny.publish()


def test_a_mart_that_is_gone_loses_readers_at_once_and_its_table_later(tiny: Any) -> None:
    tiny.publish()
    del tiny.manifest["nodes"]["model.casebook.fct_studies"]
    tiny.results["results"] = [
        one for one in tiny.results["results"] if one["unique_id"] != "model.casebook.fct_studies"
    ]
    tables = "select count(*) from pg_tables where tablename = 'fct_studies'"
    tiny.publish()
    with pytest.raises(DatabaseError, match="permission denied"):
        tiny.read("program_director", "select 1 from residency.fct_studies")
    tiny.publish()
    assert tiny.as_owner(tables) == [(1,)]
    tiny.publish()
    assert tiny.as_owner(tables) == [(0,)]


def test_a_mart_that_comes_back_is_read_again(tiny: Any) -> None:
    tiny.publish()
    node = tiny.manifest["nodes"].pop("model.casebook.fct_studies")
    tiny.publish()
    tiny.manifest["nodes"]["model.casebook.fct_studies"] = node
    tiny.publish()
    assert tiny.read("resident_one", "select count(*) from residency.fct_studies") == [(10,)]


def test_foreign_keys_have_indexes_under_names_of_their_tables(tiny: Any) -> None:
    """Also where tables were built anew, in whatever order."""
    indexes = "select indexname::text from pg_indexes where tablename = 'fct_studies' order by 1"
    tiny.publish()
    by_resident = [("fct_studies_pkey",), ("fct_studies_version_resident_name_idx",)]
    assert tiny.as_owner(indexes) == by_resident
    parent = {"to": "ref('case_log_group_progress')", "to_columns": ["category_id"]}
    columns = tiny.node("fct_studies")["columns"]
    columns["category_id"] = column("text")
    columns["category_id"]["constraints"].append(constraint("foreign_key", **parent))
    tiny.publish(build=True)
    by_category = ("fct_studies_version_category_id_idx",)
    assert tiny.as_owner(indexes) == sorted([*by_resident, by_category])
    tiny.node("case_log_group_progress")["columns"]["new"] = column("integer")
    tiny.publish(build=True)
    assert tiny.as_owner(indexes) == sorted([*by_resident, by_category])
    assert tiny.as_owner("select count(*) from pg_indexes where indexname like '%aside%'") == [(0,)]
    assert tiny.read("program_director", "select count(*) from residency.fct_studies") == [(20,)]


def test_readers_of_a_mart_may_change(tiny: Any) -> None:
    tiny.publish()
    tiny.node("fct_studies")["config"]["meta"]["readers"] = {"staff": "all"}
    tiny.publish()
    assert tiny.read("staff_member", "select count(*) from residency.fct_studies") == [(20,)]
    for login in ("program_director", "resident_one"):
        with pytest.raises(DatabaseError, match="does not exist"):
            tiny.read(login, "select 1 from residency.fct_studies")


def test_keys_of_scoped_marts_are_those_within_a_scope(tiny: Any) -> None:
    """A child refers to its parent of the same scope: there is no other in the database."""
    summary = tiny.node("procedure_summary")
    child = tiny.manifest["nodes"]["model.casebook.child"] = {
        **summary,
        "unique_id": "model.casebook.child",
        "name": "child",
        "alias": "child",
        "constraints": [
            *summary["constraints"],
            constraint(
                "foreign_key",
                columns=["scope_id", "procedure_code"],
                to="ref('procedure_summary')",
                to_columns=["scope_id", "procedure_code"],
            ),
        ],
    }
    tiny.as_builder("create table clients.child as table clients.procedure_summary")
    tiny.results["results"].append({"unique_id": child["unique_id"], "status": "success"})
    tiny.publish()
    keys = "select pg_get_constraintdef(oid) from pg_constraint where conname like 'child%fkey'"
    assert tiny.as_owner(keys, "open_reader") == [
        (
            "FOREIGN KEY (version, procedure_code)"
            " REFERENCES clients.procedure_summary(version, procedure_code)",
        )
    ]


@pytest.mark.parametrize(
    ("old", "new", "is_fine"),
    [
        ("integer", "bigint", True),
        ("bigint", "integer", False),
        ("text", "text", True),
        ("integer", "text", False),
        ("integer", "numeric(18,2)", False),
        ("numeric(14,4)", "numeric(16,4)", True),
        ("numeric(14,4)", "numeric(16,2)", False),
        ("numeric(14,4)", "numeric(18,6)", False),
        ("date", "timestamp with time zone", False),
    ],
)
def test_wider_means_that_no_value_changes(old: str, new: str, is_fine: bool) -> None:
    assert is_wider_or_same(old, new) is is_fine
