"""Every relation of schema `management` equals its recomputation from the CSV files."""

from __future__ import annotations

from recomputed import areas, management
from recomputed.compare import read
from recomputed.homes import homes

from tests.python.models.conftest import Compare, Dataset


def test_clients_patients_by_area(dataset: Dataset, compare: Compare) -> None:
    expected = areas.client_patients_by_area(dataset.export)
    compare("management.client_patients_by_area", expected, "area_key")


def test_unaffiliated_patients_by_area(dataset: Dataset, compare: Compare) -> None:
    expected = areas.unaffiliated_by_area(dataset.export)
    compare("management.unaffiliated_by_area", expected, "area_key")


def test_areas_against_procedures(dataset: Dataset, compare: Compare) -> None:
    expected = management.area_procedure_association(dataset.export)
    grain = ["population", "county", "procedure_code"]
    compare("management.area_procedure_association", expected, "association_key", grain)


def test_clusters_of_unaffiliated_patients(dataset: Dataset, compare: Compare) -> None:
    expected = management.unaffiliated_patient_clusters(dataset.export)
    compare("management.unaffiliated_patient_clusters", expected, "cluster_id")


def test_the_same_homes_are_together_and_the_same_are_core(dataset: Dataset) -> None:
    expected = homes(dataset.export).unaffiliated.dropna(subset="cluster")
    found = read(dataset.warehouse, "intermediate.int_homes_clustered")
    both = expected.merge(found, on="patient_id", how="outer", suffixes=("", "_found"))
    assert len(both) == len(expected) == len(found)
    assert (both["is_core"] == both["is_core_found"]).all()
    pairs = both[["cluster", "component_number"]].drop_duplicates()
    assert pairs["cluster"].is_unique
    assert pairs["component_number"].is_unique
