"""A contract that leaves something open is refused, with a word on what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tiny_manifest import constraint, tiny_manifest

from orchestrate.contracts.marts import Column, ForeignKey, read_marts
from orchestrate.errors import DataError


def node(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = manifest["nodes"][f"model.casebook.{name}"]
    return found


def test_reads_marts_parents_first() -> None:
    marts = {mart.name: mart for mart in read_marts(tiny_manifest())}
    names = list(marts)
    assert sorted(names) == [
        "case_log_group_progress",
        "case_log_totals",
        "fct_studies",
        "procedure_summary",
    ]
    assert names.index("case_log_totals") < names.index("fct_studies")
    studies, summary = marts["fct_studies"], marts["procedure_summary"]
    assert studies.columns[0] == Column("study_id", "text", "The study_id.", True)
    assert studies.foreign_keys == (
        ForeignKey(("resident_name",), "residency", "case_log_totals", ("resident_name",)),
    )
    assert summary.is_scoped
    assert summary.primary_key == ("procedure_code",)
    # What chooses a scope's rows is not among them.
    assert [column.name for column in summary.columns][:2] == ["client_id", "procedure_code"]


@pytest.mark.parametrize(
    "target",
    [
        {"to": "ref('case_log_totals')", "to_columns": ["resident_name"]},
        {"to": 'ref("casebook", "case_log_totals")', "to_columns": ["resident_name"]},
        {"to": '"db"."residency"."case_log_totals"', "to_columns": ["resident_name"]},
    ],
)
def test_foreign_keys_are_read_in_every_form_and_place(target: dict[str, Any]) -> None:
    manifest = tiny_manifest()
    studies = node(manifest, "fct_studies")
    studies["constraints"].pop()
    studies["columns"]["resident_name"]["constraints"] = [constraint("foreign_key", **target)]
    (read,) = (mart for mart in read_marts(manifest) if mart.name == "fct_studies")
    assert read.foreign_keys == (
        ForeignKey(("resident_name",), "residency", "case_log_totals", ("resident_name",)),
    )


def test_a_prefixed_build_is_published_under_its_public_names() -> None:
    manifest = tiny_manifest()
    for name in ("case_log_totals", "fct_studies"):
        node(manifest, name)["schema"] = "ann_residency"
    target = '"db"."ann_residency"."case_log_totals"'
    node(manifest, "fct_studies")["constraints"][1]["to"] = target
    marts = {mart.name: mart for mart in read_marts(manifest)}
    assert marts["fct_studies"].relation == "residency.fct_studies"
    assert marts["fct_studies"].source_schema == "ann_residency"
    assert marts["fct_studies"].foreign_keys[0].to_schema == "residency"


def in_readers(readers: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        node(manifest, "fct_studies")["config"]["meta"]["readers"] = readers

    return change


def no_key(manifest: dict[str, Any]) -> None:
    node(manifest, "fct_studies")["constraints"].pop(0)


def no_contract(manifest: dict[str, Any]) -> None:
    node(manifest, "fct_studies")["contract"]["enforced"] = False


def no_description(manifest: dict[str, Any]) -> None:
    node(manifest, "fct_studies")["columns"]["rvu"]["description"] = " "


def no_own_description(manifest: dict[str, Any]) -> None:
    node(manifest, "fct_studies")["description"] = ""


def no_resident(manifest: dict[str, Any]) -> None:
    studies = node(manifest, "fct_studies")
    del studies["columns"]["resident_name"]
    studies["constraints"].pop()


def no_scope(manifest: dict[str, Any]) -> None:
    del node(manifest, "procedure_summary")["columns"]["scope_id"]
    node(manifest, "procedure_summary")["constraints"][0]["columns"] = ["procedure_code"]


def half_scope(manifest: dict[str, Any]) -> None:
    readers = {"client": "scope", "staff": "all"}
    node(manifest, "procedure_summary")["config"]["meta"]["readers"] = readers


def unread_scope(manifest: dict[str, Any]) -> None:
    node(manifest, "procedure_summary")["config"]["meta"]["readers"] = {"client": "all"}


def own_version(manifest: dict[str, Any]) -> None:
    columns = node(manifest, "fct_studies")["columns"]
    columns["version"] = {**columns["rvu"], "name": "version"}


def odd_name(manifest: dict[str, Any]) -> None:
    columns = node(manifest, "fct_studies")["columns"]
    columns['x"y'] = {**columns["rvu"], "name": 'x"y'}


def private_schema(manifest: dict[str, Any]) -> None:
    node(manifest, "fct_studies")["config"]["schema"] = "private"


def key_elsewhere(manifest: dict[str, Any]) -> None:
    node(manifest, "fct_studies")["constraints"][1]["to"] = '"db"."reference"."residents"'


def key_by_expression(manifest: dict[str, Any]) -> None:
    key = node(manifest, "fct_studies")["constraints"][1]
    key |= {"to": None, "to_columns": [], "expression": "residency.case_log_totals(resident_name)"}


def key_to_no_key(manifest: dict[str, Any]) -> None:
    node(manifest, "fct_studies")["constraints"][1]["to_columns"] = ["chest_xray"]


def unknown_key(manifest: dict[str, Any]) -> None:
    node(manifest, "fct_studies")["constraints"][0]["columns"] = ["nothing"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (in_readers(None), "declares no readers"),
        (in_readers({}), "declares no readers"),
        (in_readers(["program"]), "not a mapping"),
        (in_readers({"director": "all"}), "unknown audience 'director'"),
        (in_readers({"program": "some"}), "program reads 'some'"),
        (in_readers({"client": "scope"}), "no column scope_id of type text"),
        (no_key, "no primary key"),
        (no_contract, "contract is not enforced"),
        (no_description, "column rvu has no description"),
        (no_own_description, "it has no description"),
        (no_resident, "no resident_name"),
        (no_scope, "no column scope_id of type text"),
        (half_scope, "one audience reads it by scope and another does not"),
        (unread_scope, "has a column scope_id but no audience reads it by scope"),
        (own_version, "'version' is the publisher's own column"),
        (odd_name, "is not a plain name"),
        (private_schema, "schema 'private' is reserved"),
        (key_elsewhere, "names no public mart"),
        (key_by_expression, "names no public mart"),
        (key_to_no_key, "names no primary key of residency.case_log_totals"),
        (unknown_key, "unknown columns nothing"),
    ],
)
def test_an_incomplete_contract_is_refused(
    change: Callable[[dict[str, Any]], None], text: str
) -> None:
    manifest = tiny_manifest()
    change(manifest)
    with pytest.raises(DataError) as raised:
        read_marts(manifest)
    assert text in str(raised.value)


def test_only_public_marts_are_published() -> None:
    manifest = tiny_manifest()
    node(manifest, "fct_studies")["access"] = "protected"
    node(manifest, "procedure_summary")["original_file_path"] = "models/intermediate/x.sql"
    assert {mart.name for mart in read_marts(manifest)} == {
        "case_log_totals",
        "case_log_group_progress",
    }
    with pytest.raises(DataError, match="no public mart"):
        read_marts({"nodes": {}})
