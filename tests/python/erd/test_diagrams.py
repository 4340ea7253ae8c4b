"""What diagrams show of the project, and that the committed ones show it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrate.building.manifest import Manifest
from orchestrate.contracts.marts import SCOPE_COLUMN
from orchestrate.erd import write_diagrams
from orchestrate.erd.diagram import Diagram, Kind, read_diagrams
from orchestrate.errors import ConfigurationError
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook

# They need a Casebook that was run.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def manifest(built_target: Path) -> Manifest:
    return Manifest.read(built_target)


@pytest.fixture(scope="module")
def diagrams(manifest: Manifest) -> dict[str, Diagram]:
    return {diagram.name: diagram for diagram in read_diagrams(manifest)}


def relations(diagram: Diagram) -> set[tuple[str, str, str, Kind]]:
    return {
        (one.child, ",".join(one.child_columns), one.parent, one.kind) for one in diagram.relations
    }


def test_there_is_a_diagram_per_domain_and_per_schema(diagrams: dict[str, Diagram]) -> None:
    assert list(diagrams) == [
        "raw_advocacy",
        "raw_residency",
        "marts_clients",
        "marts_extracts",
        "marts_management",
        "marts_residency",
    ]


def test_raw_tables_are_related_as_their_tests_say(diagrams: dict[str, Diagram]) -> None:
    assert relations(diagrams["raw_residency"]) == {
        ("exam_to_cpt", "organization_id", "organizations", Kind.MANY_TO_ONE),
        ("exam_to_cpt", "organization_code", "organizations", Kind.MANY_TO_ONE),
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
    raw = diagrams["raw_advocacy"]
    encounters = next(table for table in raw.tables if table.name == "encounters")
    marks = {column: raw.marks(encounters, column) for column in encounters.columns}
    assert {column: mark for column, mark in marks.items() if mark} == {
        "id": "PK",
        "patient": "FK",
        "organization": "FK",
        "payer": "FK",
    }
    assert encounters.columns["start"] == "timestamptz"
    assert encounters.columns["total_claim_cost"] == "numeric(18,2)"


def test_marts_are_shown_without_what_the_publisher_takes_away(
    diagrams: dict[str, Diagram],
) -> None:
    shown = {column for table in diagrams["marts_clients"].tables for column in table.columns}
    assert "client_id" in shown
    assert SCOPE_COLUMN not in shown


def test_committed_diagrams_are_what_casebook_erd_writes(
    manifest: Manifest, tmp_path: Path
) -> None:
    fresh = {path.name: path.read_bytes() for path in write_diagrams(manifest, tmp_path)}
    committed = {path.name: path.read_bytes() for path in (PROJECT_DIR / "docs/erd").iterdir()}
    assert set(committed) == set(fresh)
    stale = [name for name, content in fresh.items() if committed[name] != content]
    assert not stale, "run `casebook erd` on the sample and commit docs/erd"


def test_a_folder_that_cannot_be_written_is_named(manifest: Manifest, tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="file"):
        write_diagrams(manifest, occupied)


def test_the_program_gets_the_diagrams_of_its_own_domain(published: Casebook) -> None:
    folder = published.output_dir / "program" / "erd"
    shown = sorted(path.name for path in folder.glob("*.svg"))
    assert shown == ["marts_residency.svg", "raw_residency.svg"]
    assert "procedure_summary" not in (folder / "README.md").read_text(encoding="utf-8")
