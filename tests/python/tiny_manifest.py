"""The artifacts of dbt for the tiny Casebook: its manifest, and the results of a build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrate.publishing.gate import GATE
from orchestrate.settings import PROJECT_DIR

# What the publisher reads beside the marts: columns by model.
STAGING: Mapping[str, Sequence[str]] = {
    "stg_reference__clients": ("client_id", "payer_name", "client_name", "report_page"),
    "stg_reference__payer_groups": ("payer_name", "detail_is_visible"),
    "stg_reference__restrictions": ("client_id", "specialty_id"),
    "stg_reference__specialties": ("procedure_code", "specialty_id", "specialty_name"),
    "stg_reference__specialty_words": ("specialty_id", "word"),
}


def constraint(kind: str, **more: Any) -> dict[str, Any]:
    """Return a constraint as the manifest writes it."""
    return {"type": kind, "name": None, "expression": None, "to": None, "to_columns": [], **more}


def model(
    name: str,
    schema: str,
    columns: Mapping[str, str],
    key: Sequence[str],
    readers: Mapping[str, str],
    foreign_keys: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Return the manifest's node of a public mart; `columns` maps names to types."""
    return {
        "unique_id": f"model.casebook.{name}",
        "resource_type": "model",
        "name": name,
        "alias": name,
        "database": "warehouse",
        "schema": schema,
        "access": "public",
        "original_file_path": f"models/marts/{schema}/{name}.sql",
        "description": f"One row per {', '.join(key)}.",
        "contract": {"enforced": True},
        "config": {
            "schema": schema,
            "materialized": "table",
            "enabled": True,
            "meta": {"readers": dict(readers)},
        },
        "constraints": [constraint("primary_key", columns=list(key)), *foreign_keys],
        "columns": {
            column: {
                "name": column,
                "data_type": data_type,
                "description": f"The {column}.",
                "constraints": [constraint("not_null")] if column in key else [],
            }
            for column, data_type in columns.items()
        },
    }


def private_model(name: str, schema: str) -> dict[str, Any]:
    """Return the manifest's node of a model that readers never see."""
    return {
        "unique_id": f"model.casebook.{name}",
        "resource_type": "model",
        "name": name,
        "alias": name,
        "database": "warehouse",
        "schema": schema,
        "access": "protected",
        "original_file_path": f"models/{schema}/{name}.sql",
        "config": {"materialized": "table", "enabled": True},
        "columns": {},
    }


def gate_test(name: str) -> dict[str, Any]:
    """Return the manifest's node of a test of the gate."""
    return {
        "unique_id": f"test.casebook.{name}",
        "resource_type": "test",
        "name": name,
        "config": {
            "materialized": "test",
            "enabled": True,
            "severity": "error",
            "error_if": "!= 0",
            "warn_if": "!= 0",
            "fail_calc": "count(*)",
            "where": None,
            "limit": None,
        },
    }


def function(name: str, body: str, **more: Any) -> dict[str, Any]:
    """Return the manifest's node of a function over the mart `procedure_summary`."""
    return {
        "unique_id": f"function.casebook.{name}",
        "resource_type": "function",
        "name": name,
        "alias": name,
        "database": "warehouse",
        "schema": "clients",
        "original_file_path": f"functions/{name}.sql",
        "description": f"Says {name}.",
        "config": {"schema": "clients", "meta": {"readers": {"client": "scope"}}},
        "arguments": [
            {"name": "code", "data_type": "text", "description": "A code.", "default_value": "null"}
        ],
        "returns": {"data_type": "table (procedure_code text, patients int)"},
        "depends_on": {"nodes": ["model.casebook.procedure_summary"]},
        "compiled_code": body,
        **more,
    }


def tiny_manifest() -> dict[str, Any]:
    """Return a manifest of four marts, their reference models, the gate, a test and a unit test."""
    nodes = [
        model(
            "case_log_totals",
            "residency",
            {"resident_name": "text", "chest_xray": "integer"},
            ["resident_name"],
            {"program": "all", "resident": "own"},
        ),
        model(
            "fct_studies",
            "residency",
            {"study_id": "text", "resident_name": "text", "rvu": "numeric(14,4)"},
            ["study_id"],
            {"program": "all", "resident": "own"},
            [
                constraint(
                    "foreign_key",
                    columns=["resident_name"],
                    to='"warehouse"."residency"."case_log_totals"',
                    to_columns=["resident_name"],
                )
            ],
        ),
        model(
            "case_log_group_progress",
            "residency",
            {"category_id": "text", "completed": "integer"},
            ["category_id"],
            {"program": "all", "resident": "all"},
        ),
        model(
            "procedure_summary",
            "clients",
            {
                "scope_id": "text",
                "client_id": "text",
                "procedure_code": "text",
                "specialty_id": "text",
                "patient_count": "integer",
            },
            ["scope_id", "procedure_code"],
            {"client": "scope"},
        ),
        private_model("stg_reference__members", "staging"),
        *(private_model(name, "staging") for name in STAGING),
        private_model("int_client_scopes", "intermediate"),
        private_model("int_codes_hidden", "intermediate"),
        *map(gate_test, GATE),
        {
            "unique_id": "test.casebook.unique_study",
            "resource_type": "test",
            "name": "unique_study",
            "config": {"materialized": "test"},
        },
        {
            "unique_id": "seed.casebook.members",
            "resource_type": "seed",
            "fqn": ["casebook", "reference", "members"],
            "name": "members",
            "alias": "members",
            "schema": "reference",
            "root_path": str(PROJECT_DIR),
            "original_file_path": "seeds/reference/members.csv",
            "config": {},
        },
    ]
    return {
        "metadata": {"project_name": "casebook", "invocation_id": "one"},
        "nodes": {node["unique_id"]: node for node in nodes},
        "unit_tests": {"unit_test.casebook.fct_studies.counts": {}},
        "functions": {},
    }


def passing_results(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run results of a build of the manifest in which all went well."""
    status = {"model": "success", "test": "pass", "function": "success"}
    results = [
        {"unique_id": unique_id, "status": status[node["resource_type"]]}
        for unique_id, node in [*manifest["nodes"].items(), *manifest["functions"].items()]
        if node["resource_type"] in status
    ] + [{"unique_id": unique_id, "status": "pass"} for unique_id in manifest["unit_tests"]]
    return {
        "metadata": {"invocation_id": manifest["metadata"]["invocation_id"]},
        "args": {"which": "build"},
        "results": results,
    }
