"""What is read from dbt's artifacts, whichever source the domains use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from orchestrate.erd.model import Diagram, Kind, read_diagrams
from orchestrate.errors import ConfigurationError

# They need a Casebook that was run, and dbterd, which takes seconds to import.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def diagrams(built_target: Path) -> dict[str, Diagram]:
    return {diagram.name: diagram for diagram in read_diagrams(built_target)}


def relations(diagram: Diagram) -> set[tuple[str, str, str, Kind]]:
    return {
        (one.child, ",".join(one.child_columns), one.parent, one.kind) for one in diagram.relations
    }


def test_there_is_a_diagram_per_domain_and_per_schema(diagrams: dict[str, Diagram]) -> None:
    assert set(diagrams) == {
        "raw_advocacy",
        "raw_residency",
        "marts_clients",
        "marts_extracts",
        "marts_management",
        "marts_residency",
    }


def test_raw_tables_are_related_as_their_tests_say(diagrams: dict[str, Diagram]) -> None:
    assert relations(diagrams["raw_residency"]) == {
        ("studies", "exam_code", "exam_to_cpt", Kind.MANY_TO_MANY),
        ("studies", "modality_id", "modalities", Kind.MANY_TO_ONE),
        ("studies", "organization_id", "organizations", Kind.MANY_TO_ONE),
    }
    assert relations(diagrams["raw_advocacy"]) == {
        ("encounters", "patient", "patients", Kind.MANY_TO_ONE),
        ("encounters", "organization", "organizations", Kind.MANY_TO_ONE),
        ("encounters", "payer", "payers", Kind.MANY_TO_ONE),
        ("procedures", "patient", "patients", Kind.MANY_TO_ONE),
        ("procedures", "encounter", "encounters", Kind.MANY_TO_ONE),
    }


def test_marts_are_related_as_their_contracts_say(diagrams: dict[str, Diagram]) -> None:
    found = relations(diagrams["marts_residency"])
    assert ("case_log_status", "resident_name", "case_log_totals", Kind.ONE_TO_ONE) in found
    assert ("case_log_progress", "resident_name", "case_log_totals", Kind.MANY_TO_ONE) in found
    assert ("fct_studies", "resident_name", "case_log_totals", Kind.MANY_TO_ONE) in found


def test_columns_carry_types_and_keys(diagrams: dict[str, Diagram]) -> None:
    entities = {entity.name: entity for entity in diagrams["raw_advocacy"].entities}
    columns = {column.name: column for column in entities["encounters"].columns}
    assert [name for name, column in columns.items() if column.is_key] == ["id"]
    assert {name for name, column in columns.items() if column.is_reference} == {
        "patient",
        "organization",
        "payer",
    }
    assert columns["start"].data_type == "timestamptz"
    assert columns["total_claim_cost"].data_type == "numeric(18,2)"


def test_raw_diagrams_do_not_depend_on_which_tables_are_loaded(
    built_target: Path, diagrams: dict[str, Diagram], tmp_path: Path
) -> None:
    """With an export in use the sample's tables may be missing from the database."""
    shutil.copy(built_target / "manifest.json", tmp_path)
    catalog = json.loads((built_target / "catalog.json").read_text(encoding="utf-8"))
    nodes = catalog["nodes"]
    catalog["nodes"] = {key: node for key, node in nodes.items() if not key.startswith("seed.")}
    assert len(catalog["nodes"]) < len(nodes)
    (tmp_path / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    assert {diagram.name: diagram for diagram in read_diagrams(tmp_path)} == diagrams


@pytest.mark.parametrize("missing", ["manifest.json", "catalog.json"])
def test_a_missing_artifact_is_named(built_target: Path, tmp_path: Path, missing: str) -> None:
    for artifact in {"manifest.json", "catalog.json"} - {missing}:
        shutil.copy(built_target / artifact, tmp_path)
    with pytest.raises(ConfigurationError, match=missing):
        read_diagrams(tmp_path)
