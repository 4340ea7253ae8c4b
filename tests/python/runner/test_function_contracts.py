"""A function whose contract leaves something open is refused, with a word on what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tiny import function, tiny_manifest

from orchestrate.contracts import Argument, read_functions, read_marts
from orchestrate.errors import DataError

BODY = 'select procedure_code, 1 from "warehouse"."clients"."procedure_summary"'


def manifest_with(node: dict[str, Any]) -> dict[str, Any]:
    return {**tiny_manifest(), "functions": {node["unique_id"]: node}}


def test_reads_what_the_manifest_says() -> None:
    node = function("counted", BODY, returns={"data_type": "TABLE( a decimal(18, 2),  b int )"})
    node["arguments"].insert(0, {"name": "cost", "data_type": "numeric(18,2)", "description": "C."})
    manifest = manifest_with(node)
    (read,) = read_functions(manifest, read_marts(manifest))
    assert read.relation == "clients.counted"
    assert read.arguments == (Argument("cost", "numeric"), Argument("code", "text", True))
    assert read.signature == "cost numeric, code text"
    assert read.declaration == "cost numeric, code text DEFAULT NULL::text"
    assert read.returns == "TABLE(a numeric, b integer)"
    assert read.language == "sql"
    assert read.body == 'select procedure_code, 1 from "clients"."procedure_summary"'
    assert read.readers == {"client": "scope"}


def test_a_prefixed_build_is_read_under_the_names_of_readers() -> None:
    manifest = manifest_with(
        function("counted", 'select 1 from "warehouse"."me_clients"."procedure_summary"')
    )
    manifest["nodes"]["model.casebook.procedure_summary"]["schema"] = "me_clients"
    (read,) = read_functions(manifest, read_marts(manifest))
    assert read.body == 'select 1 from "clients"."procedure_summary"'


def test_a_project_without_functions_has_none() -> None:
    manifest = tiny_manifest()
    del manifest["functions"]
    assert read_functions(manifest, read_marts(manifest)) == []


def say_nothing(node: dict[str, Any]) -> None:
    node["description"] = " "


def read_by_nobody(node: dict[str, Any]) -> None:
    del node["config"]["meta"]["readers"]


def read_by_more(node: dict[str, Any]) -> None:
    node["config"]["meta"]["readers"]["staff"] = "all"


def read_an_inner_model(node: dict[str, Any]) -> None:
    node["depends_on"]["nodes"].append("model.casebook.int_client_scopes")


def name_the_warehouse(node: dict[str, Any]) -> None:
    node["compiled_code"] += ' union all select a, b from "warehouse"."staging"."x"'


def name_the_warehouse_plainly(node: dict[str, Any]) -> None:
    node["compiled_code"] += " union all select a, b from WAREHOUSE . staging.x"


def leave_it_uncompiled(node: dict[str, Any]) -> None:
    del node["compiled_code"]


def speak_perl(node: dict[str, Any]) -> None:
    node["config"]["meta"]["language"] = "plperlu"


def default_to_a_call(node: dict[str, Any]) -> None:
    node["arguments"][0]["default_value"] = "pg_sleep(1)"


def take_anything(node: dict[str, Any]) -> None:
    node["arguments"][0]["data_type"] = "anyelement"


def name_an_argument_badly(node: dict[str, Any]) -> None:
    node["arguments"][0]["name"] = 'a" text); drop table x; --'


def leave_an_argument_undescribed(node: dict[str, Any]) -> None:
    node["arguments"][0]["description"] = None


def return_rows_of_anything(node: dict[str, Any]) -> None:
    node["returns"]["data_type"] = "setof record"


def return_an_odd_column(node: dict[str, Any]) -> None:
    node["returns"]["data_type"] = "table (a text, b json)"


def be_elsewhere(node: dict[str, Any]) -> None:
    node["config"]["schema"] = "elsewhere"


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (say_nothing, "no description"),
        (read_by_nobody, "declares no readers"),
        (read_by_more, "audience staff reads it by 'all', but clients.procedure_summary by 'nothi"),
        (read_an_inner_model, "reads model.casebook.int_client_scopes, which is no public mart"),
        (name_the_warehouse, 'its body names "warehouse"."staging"."x"'),
        (name_the_warehouse_plainly, "its body names WAREHOUSE . staging.x"),
        (leave_it_uncompiled, "no compiled body"),
        (speak_perl, "its language is 'plperlu'"),
        (default_to_a_call, "argument code has a default other than null"),
        (take_anything, "argument code has a type that marts do not use"),
        (name_an_argument_badly, "is not a plain name"),
        (leave_an_argument_undescribed, "argument code has no description"),
        (return_rows_of_anything, "it returns 'setof record'"),
        (return_an_odd_column, "it returns a column 'b json'"),
        (be_elsewhere, "schema 'elsewhere' has no mart"),
    ],
)
def test_an_open_contract_is_refused(damage: Callable[[dict[str, Any]], None], text: str) -> None:
    node = function("counted", BODY)
    damage(node)
    manifest = manifest_with(node)
    with pytest.raises(DataError) as raised:
        read_functions(manifest, read_marts(manifest))
    assert text in str(raised.value)
    assert "counted" in str(raised.value)
