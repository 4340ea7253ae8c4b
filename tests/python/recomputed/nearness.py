"""How near unaffiliated patients live to those of clients, and how near chance would bring them.

A shuffle orders the homes by eight hex digits of SHA-256 of a number and the patient's id, ties by
id, and makes as many of the first ones clients' patients as there are in truth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from recomputed import rule
from recomputed.homes import FEWEST, RADIUS_KM, distances_km, ever_of_clients, living
from recomputed.raw import UNIT_SEPARATOR, Export

RADII_KM = (0.5, RADIUS_KM, 1.0)
SHUFFLES = 200
# The fifth lowest and the fifth highest of 200: a truth that is one shuffle more lies outside of
# them in less than 5 % of all cases.
RANK = 5
STEPS = [Fraction(step) for step in ("0.01", "0.02", "0.05", "0.1", "0.25")]


@dataclass(frozen=True)
class Measured:
    """What labels make of homes, an array of as many numbers as labels each.

    `outside` are patients near a client's who are in no cluster.
    """

    near: np.ndarray
    clusters: np.ndarray
    outside: np.ndarray


def unaffiliated_nearness(export: Export) -> pd.DataFrame:
    """Return a row per radius."""
    patients = living(export).reset_index(drop=True)
    is_client = patients["patient_id"].isin(ever_of_clients(export)).to_numpy()
    return nearness_of(patients, is_client)


def nearness_of(patients: pd.DataFrame, is_client: np.ndarray) -> pd.DataFrame:
    """Return a row per radius, of patients with patient_id, lat and lon, ordered by id."""
    apart = distances_km(patients, patients)
    labels = np.column_stack([is_client, shuffled(list(patients["patient_id"]), is_client.sum())])

    def records() -> Iterator[dict[str, object]]:
        unaffiliated = int((~is_client).sum())
        step = next((step for step in STEPS if step * unaffiliated >= rule.TENS), None)

        def share(count: int) -> object:
            return None if step is None else rule.share(count, unaffiliated, step)

        for radius in RADII_KM:
            found = measured(apart <= radius, labels)
            near, clusters = (np.sort(counts[1:]) for counts in (found.near, found.clusters))
            outside = int(found.outside[0])
            yield {
                "radius_km": radius,
                "is_cluster_radius": radius == RADIUS_KM,
                "near_share": None if rule.is_small(found.near[0]) else share(found.near[0]),
                "chance_low": share(near[RANK - 1]),
                "chance_high": share(near[-RANK]),
                "near_outside_clusters": rule.count(outside, suppressed=rule.is_small(outside)),
                "cluster_count": int(found.clusters[0]),
                "chance_cluster_low": int(clusters[RANK - 1]),
                "chance_cluster_high": int(clusters[-RANK]),
            }

    return pd.DataFrame(records(), dtype=object)


def shuffled(patient_ids: list[str], clients: int) -> np.ndarray:
    """Return who is a client's in each shuffle: patients by shuffles."""
    labels = np.zeros((len(patient_ids), SHUFFLES), dtype=bool)
    digests: dict[tuple[int, str], str] = {}
    for shuffle in range(SHUFFLES):
        number, start = shuffle // 8 + 1, shuffle % 8 * 8
        for patient_id in patient_ids:
            if (number, patient_id) not in digests:
                message = f"{number}{UNIT_SEPARATOR}{patient_id}".encode()
                digests[number, patient_id] = hashlib.sha256(message).hexdigest()
        order = sorted(
            range(len(patient_ids)),
            key=lambda place, number=number, start=start: (
                digests[number, patient_ids[place]][start : start + 8],
                patient_ids[place],
            ),
        )
        labels[order[:clients], shuffle] = True
    return labels


def measured(is_within: np.ndarray, labels: np.ndarray) -> Measured:
    """Measure homes, of which `is_within` says who is within a radius of whom, by each label."""
    links = is_within.astype(np.float32)
    others = ~labels
    near = (links @ labels.astype(np.float32) > 0) & others
    core = (links @ others.astype(np.float32) >= FEWEST) & others
    in_clusters = (links @ core.astype(np.float32) > 0) & others
    graph = csr_matrix(is_within)
    clusters = [
        connected_components(graph[members][:, members], directed=False)[0]
        for members in map(np.flatnonzero, core.T)
    ]
    return Measured(near.sum(axis=0), np.array(clusters), (near & ~in_clusters).sum(axis=0))
