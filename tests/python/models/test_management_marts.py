"""Every relation of schema `management` equals its recomputation from the CSV files."""

from __future__ import annotations

from collections.abc import Callable

from recomputed import areas, coverage, findings, management
from recomputed.compare import check, read
from recomputed.homes import homes

from tests.python.models.conftest import Compare, Dataset


def test_what_the_rows_that_may_be_shown_cover(dataset: Dataset, compare: Compare) -> None:
    compare("management.coverage", coverage.visible_payers(dataset.export))


def test_clients_patients_by_area(dataset: Dataset, compare: Compare) -> None:
    expected = areas.client_patients_by_area(dataset.export)
    compare("management.client_patients_by_area", expected, "area_key")


def test_unaffiliated_patients_by_area(dataset: Dataset, compare: Compare) -> None:
    expected = areas.unaffiliated_by_area(dataset.export)
    compare("management.unaffiliated_by_area", expected, "area_key")


def test_findings_in_the_export(dataset: Dataset, compare: Compare) -> None:
    expected = findings.data_findings(dataset.export)
    kinds = {"encounter_after_death", "procedure_in_other_month", "missing_zip", "last_encounter"}
    if dataset.name == "export":
        kinds |= {"cost_above_claim", "claim_of_zero", "uncovered_years"}
    assert set(expected["kind"]) == kinds
    compare("management.data_findings", expected, "finding_key")


def test_areas_against_procedures(dataset: Dataset, compare: Compare) -> None:
    expected = management.area_procedure_association(dataset.export)
    grain = ["population", "county", "procedure_code"]
    compare("management.area_procedure_association", expected, "association_key", grain)


def test_clusters_of_unaffiliated_patients(dataset: Dataset, figure: Callable[[str], None]) -> None:
    expected = management.unaffiliated_patient_clusters(dataset.export)
    relation = "management.unaffiliated_patient_clusters"
    found = read(dataset.warehouse, relation).sort_values("cluster_id")
    assert list(found["cluster_id"]) == [f"cluster-{place + 1:03}" for place in range(len(found))]
    assert found["patient_count"].is_monotonic_decreasing
    cells = check(found.drop(columns="cluster_id"), expected)
    figure(f"{relation} recomputed from the {dataset.name}: {cells} cells equal")


def test_the_same_homes_are_together_and_the_same_are_core(dataset: Dataset) -> None:
    expected = homes(dataset.export).unaffiliated.dropna(subset="cluster")
    found = read(dataset.warehouse, "intermediate.int_homes_clustered")
    both = expected.merge(found, on="patient_id", how="outer", suffixes=("", "_found"))
    assert len(both) == len(expected) == len(found)
    assert (both["is_core"] == both["is_core_found"]).all()
    pairs = both[["cluster", "component_number"]].drop_duplicates()
    assert pairs["cluster"].is_unique
    assert pairs["component_number"].is_unique
