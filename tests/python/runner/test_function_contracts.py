"""A function whose contract leaves something open is refused, with a word on what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tiny_manifest import function, tiny_manifest

from orchestrate.contracts.functions import read_functions
from orchestrate.contracts.marts import read_marts
from orchestrate.errors import DataError

BODY = 'select procedure_code, 1 from "warehouse"."clients"."procedure_summary"'


def manifest_with(node: dict[str, Any]) -> dict[str, Any]:
    return {**tiny_manifest(), "functions": {node["unique_id"]: node}}


def test_reads_what_the_manifest_says() -> None:
    manifest = manifest_with(function("counted", BODY, schema="me_clients"))
    (read,) = read_functions(manifest, read_marts(manifest))
    assert (read.schema, read.name, read.source_schema) == ("clients", "counted", "me_clients")
    assert read.description == "Says counted."
    assert read.readers == {"client": "scope"}


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


def be_private(node: dict[str, Any]) -> None:
    node["config"]["schema"] = "private"


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (say_nothing, "no description"),
        (read_by_nobody, "declares no readers"),
        (read_by_more, "audience staff reads it by 'all', but clients.procedure_summary by 'nothi"),
        (read_an_inner_model, "reads model.casebook.int_client_scopes, which is no public mart"),
        (be_private, "schema 'private' is reserved"),
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
