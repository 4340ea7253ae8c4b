"""Where patients live: clusters of unaffiliated homes by scikit-learn's DBSCAN, and who is near.

Distances are great-circle distances on a sphere with the earth's mean radius, in kilometres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recomputed.raw import Export, reference

EARTH_KM = 6371.0088
RADIUS_KM = 0.75
FEWEST = 11


@dataclass(frozen=True)
class Homes:
    """Living unaffiliated patients with the cluster of each, and the clients' living patients.

    `unaffiliated` has patient_id, lat, lon, city, is_core and cluster: a number, None outside of
    every cluster. `of_clients` has patient_id, lat and lon.
    """

    unaffiliated: pd.DataFrame
    of_clients: pd.DataFrame


def ever_of_clients(export: Export) -> frozenset[str]:
    """Return the patients of whom a client ever paid an encounter."""
    encounters = export.encounters
    paid = encounters["payer_name"].isin(reference("clients")["payer_name"])
    return frozenset(encounters.loc[paid, "patient_id"])


def living(export: Export) -> pd.DataFrame:
    """Return the patients with coordinates and without a death date, in the order of their ids."""
    located = export.patients.dropna(subset=["lat", "lon"])
    return located[located["deathdate"] == ""].sort_values("patient_id")


def distances_km(some: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Return the distance of each of some homes (rows) to each of the others (columns)."""
    # Takes seconds to import, for which collecting the tests should not wait.
    from sklearn.metrics.pairwise import haversine_distances

    radians = [np.radians(homes[["lat", "lon"]].to_numpy(dtype=float)) for homes in (some, others)]
    return haversine_distances(*radians) * EARTH_KM


def homes(export: Export) -> Homes:
    """Cluster the homes of living unaffiliated patients.

    A border patient joins the cluster of the nearest core patient, among equally near ones of the
    first by patient_id; clusters of fewer than eleven are none.
    """
    from sklearn.cluster import DBSCAN

    located = living(export)
    is_of_clients = located["patient_id"].isin(ever_of_clients(export))
    others = located[~is_of_clients].reset_index(drop=True)
    found = DBSCAN(
        eps=RADIUS_KM / EARTH_KM, min_samples=FEWEST, metric="haversine", algorithm="ball_tree"
    ).fit(np.radians(others[["lat", "lon"]].to_numpy()))
    core = found.core_sample_indices_
    apart = distances_km(others, others.iloc[core])
    nearest = apart.argmin(axis=1)
    labels = np.where(apart.min(axis=1) <= RADIUS_KM, found.labels_[core][nearest], -1)
    labels[core] = found.labels_[core]
    sizes = pd.Series(labels).value_counts()
    kept = [label for label in sizes.index if label >= 0 and sizes[label] >= FEWEST]
    return Homes(
        others.assign(
            is_core=others.index.isin(core),
            cluster=[int(label) if label in kept else None for label in labels],
        ),
        located[is_of_clients],
    )
