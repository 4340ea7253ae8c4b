"""Every relation of schema `management` equals its recomputation from the CSV files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from recomputed import areas, coverage, findings, management, nearness
from recomputed.compare import check, read
from recomputed.homes import FEWEST, distances_km, ever_of_clients, homes, living
from sklearn.cluster import DBSCAN

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


def test_nearness_and_what_chance_makes_of_it(dataset: Dataset, compare: Compare) -> None:
    compare("management.unaffiliated_nearness", nearness.unaffiliated_nearness(dataset.export))


def test_other_shuffles_make_the_same_of_it(dataset: Dataset) -> None:
    """By NumPy's own random numbers, and clusters by scikit-learn instead of components."""
    patients = living(dataset.export)
    is_client = patients["patient_id"].isin(ever_of_clients(dataset.export)).to_numpy()
    chance = np.random.default_rng(7)
    labels = np.column_stack([chance.permutation(is_client) for _ in range(200)])
    apart = distances_km(patients, patients)
    measured = read(dataset.warehouse, "intermediate.int_shuffles_measured")
    for radius in nearness.RADII_KM:
        others = nearness.measured(apart <= radius, labels)
        shuffles = measured[(measured["radius_km"] == radius) & (measured["shuffle_number"] > 0)]
        for found, name in ((others.near, "near_count"), (others.clusters, "cluster_count")):
            ours = shuffles[name].astype(float)
            error = found.std() * (2 / 200) ** 0.5
            assert abs(ours.mean() - found.mean()) < 4 * error, (radius, name)
            assert 0.75 < ours.std() / found.std() < 1.33, (radius, name)
        for label, clusters in list(zip(labels.T, others.clusters, strict=True))[:5]:
            search = DBSCAN(eps=radius, min_samples=FEWEST, metric="precomputed")
            assert search.fit(apart[~label][:, ~label]).labels_.max() + 1 == clusters


def test_each_shuffle_is_that_of_the_hashes(dataset: Dataset) -> None:
    found = read(dataset.warehouse, "intermediate.int_homes_shuffled").sort_values("patient_id")
    ids, of_clients = list(found["patient_id"]), ever_of_clients(dataset.export)
    truth = np.isin(ids, list(of_clients))
    labels = nearness.shuffled(ids, int(truth.sum()))
    texts = [
        bit + "".join("01"[int(one)] for one in row)
        for bit, row in zip(np.where(truth, "1", "0"), labels, strict=True)
    ]
    assert texts == list(found["client_in"])
