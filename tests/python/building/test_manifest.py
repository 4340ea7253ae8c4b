"""The manifest, read without dbt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrate.building.manifest import Manifest, SeedColumn
from orchestrate.building.rules import NO_RULES, ColumnRules, Lookup, Reference, RelatedTime
from orchestrate.errors import ConfigurationError


def seed_node(**changed: Any) -> dict[str, Any]:
    """Make a seed's node as dbt writes it, as far as it is read."""
    return {
        "resource_type": "seed",
        "name": "residency__studies",
        "package_name": "casebook",
        "fqn": ["casebook", "residency", "residency__studies"],
        "schema": "sample_residency",
        "alias": "studies",
        "root_path": "/project",
        "original_file_path": "seeds/residency/residency__studies.csv",
        "description": "One row per study.\n",
        "config": {
            "column_types": {"code": "text", "rvu": "numeric(12,4)"},
            "meta": {"personal": True},
        },
        "columns": {
            "code": {"description": "A code.", "config": {"meta": {"required": True}}},
            "rvu": {"description": "", "config": {"meta": {}}},
        },
        **changed,
    }


def manifest(*nodes: dict[str, Any], **more: Any) -> Manifest:
    return Manifest.from_content({"nodes": {str(i): node for i, node in enumerate(nodes)}, **more})


def test_a_seed_is_described_by_its_node() -> None:
    (seed,) = manifest(seed_node()).domain_seeds("residency")
    assert (seed.name, seed.schema, seed.alias) == (
        "residency__studies",
        "sample_residency",
        "studies",
    )
    assert seed.path == Path("/project/seeds/residency/residency__studies.csv")
    assert seed.description == "One row per study."
    assert seed.personal
    assert seed.columns == (
        SeedColumn("code", "text", "A code.", required=True),
        SeedColumn("rvu", "numeric(12,4)", "", required=False),
    )
    assert seed.column_types == {"code": "text", "rvu": "numeric(12,4)"}


def test_rules_stand_beside_the_column_and_references_in_its_tests() -> None:
    parent = seed_node(name="residency__exam_to_cpt")
    child = seed_node(
        config={"column_types": {"code": "text", "rvu": "numeric", "end": "date"}, "meta": {}},
        columns={
            "code": {
                "config": {
                    "meta": {
                        "key": True,
                        "warn_alike": True,
                        "many_to_many": {"seed": "residency__exam_to_cpt", "column": "code"},
                        "warn_without": "cpt",
                    }
                }
            },
            "rvu": {"config": {"meta": {"minimum": 0, "maximum": 1.5}}},
            "end": {
                "config": {
                    "meta": {
                        "not_before": "start",
                        "warn_after": {"by": "code", "column": "gone"},
                        "warn_longer_than": "code",
                    }
                }
            },
        },
    )
    test = {
        "resource_type": "test",
        "attached_node": "seed.child",
        "column_name": "code",
        "test_metadata": {"name": "relationships", "kwargs": {"field": "exam_code"}},
        "depends_on": {"nodes": ["seed.parent", "seed.child"]},
    }
    nodes = {"seed.parent": parent, "seed.child": child, "test": test}
    (plain, _), (code, rvu, end) = (
        [column.rules for column in seed.columns]
        for seed in Manifest.from_content({"nodes": nodes}).seeds
    )
    to = Reference("residency__exam_to_cpt", "code")
    assert plain == NO_RULES
    assert code == ColumnRules(
        key=True,
        reference=Reference("residency__exam_to_cpt", "exam_code"),
        warn_alike=True,
        warn_without=Lookup(to, "cpt"),
    )
    assert rvu == ColumnRules(minimum="0", maximum="1.5")
    assert end == ColumnRules(
        not_before="start", warn_after=RelatedTime("code", "gone"), warn_longer_than="code"
    )


def test_seeds_are_told_apart_by_domain() -> None:
    other = seed_node(fqn=["casebook", "reference", "clients"], name="clients")
    both = manifest(seed_node(), other)
    assert [seed.name for seed in both.domain_seeds("reference")] == ["clients"]


def test_the_schema_of_an_export_is_that_of_its_source() -> None:
    source = {
        "source_name": "residency_export",
        "name": "studies",
        "schema": "export_residency",
        "identifier": "studies",
    }
    declared = manifest(sources={"1": source})
    assert declared.export_schema("residency") == "export_residency"
    with pytest.raises(ConfigurationError, match="no source advocacy_export"):
        declared.export_schema("advocacy")


def test_tasks_are_models_and_tests_of_data_but_no_ephemeral_models() -> None:
    def node(kind: str, materialized: str) -> dict[str, Any]:
        return {"resource_type": kind, "config": {"materialized": materialized}}

    nodes = [
        seed_node(),
        node("model", "table"),
        node("model", "ephemeral"),
        node("test", "test"),
        node("operation", "view"),
    ]
    assert manifest(*nodes, unit_tests={"a": {}, "b": {}}).task_count() == 2


def test_no_manifest_is_a_matter_of_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no manifest\.json"):
        Manifest.read(tmp_path)
    for text in ("{", "[]", "{}"):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ConfigurationError, match="dbt manifest"):
            Manifest.read(tmp_path)
