"""Nearness of homes of which the truth is known: planted groups, planted nearness, and neither."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from psycopg2.extras import execute_values
from recomputed import nearness
from recomputed.compare import check, read

from orchestrate.driver import Connection
from orchestrate.reports.management_findings import nearness_finding, than_chance
from tests.python.conftest import Casebook

KM = 1 / 111.195
MIDDLE = (42.3, -71.1)
# In the order in which they are built; each reads those before it.
MODELS = (
    "int_homes_hashed",
    "int_homes_shuffled",
    "int_cells_shuffled",
    "int_home_pairs",
    "int_homes_near_by_chance",
    "int_cells_grouped",
    "int_full_cell_pairs",
    "int_cells_linked",
    "int_clusters_by_chance",
    "int_shuffles_measured",
    "int_near_homes_outside",
    "unaffiliated_nearness",
)


def placed(east: np.ndarray, north: np.ndarray, prefix: str = "p") -> pd.DataFrame:
    """Return patients with patient_id, lat and lon at places in km from the middle."""
    return pd.DataFrame(
        {
            "patient_id": [f"{prefix}{number:05}" for number in range(len(east))],
            "lat": MIDDLE[0] + north * KM,
            "lon": MIDDLE[1] + east * KM / np.cos(np.radians(MIDDLE[0])),
        }
    )


def scattered(chance: np.random.Generator, count: int, *box: float) -> tuple[np.ndarray, ...]:
    """Return random places between two eastings and two northings, in km."""
    west, east, south, north = box
    return chance.uniform(west, east, count), chance.uniform(south, north, count)


def made_by_sql(
    warehouse: Connection, casebook: Casebook, patients: pd.DataFrame, is_client: np.ndarray
) -> dict[str, pd.DataFrame]:
    """Return what the models make of homes, in temporary tables that are gone afterwards."""
    folder = casebook.settings.target_dir / "compiled" / "casebook" / "models"
    made = {}
    try:
        with warehouse.cursor() as cursor:
            cursor.execute("begin")
            cursor.execute(
                "create temp table int_homes_located (home_number integer, patient_id text,"
                " latitude double precision, longitude double precision, is_unaffiliated boolean)"
            )
            rows = zip(
                range(1, len(patients) + 1),
                patients["patient_id"],
                patients["lat"].astype(float),
                patients["lon"].astype(float),
                map(bool, ~is_client),
                strict=True,
            )
            execute_values(cursor, "insert into int_homes_located values %s", list(rows))
            for name in MODELS:
                (path,) = folder.glob(f"*/*/{name}.sql")
                query = re.sub(r'"[^"]+"\."intermediate"\.', "pg_temp.", path.read_text())
                cursor.execute(f"create temp table {name} as {query}")
                cursor.execute(f"analyze {name}")
        for name in MODELS:
            made[name] = read(warehouse, f"pg_temp.{name}")
    finally:
        with warehouse.cursor() as cursor:
            cursor.execute("rollback")
    return made


def test_planted_groups_are_found_in_crowded_places_too(
    published: Casebook, warehouse: Connection
) -> None:
    """Two crowds 0.6 km apart: two groups within 0.5 km and one within more, in every shuffle."""
    chance = np.random.default_rng(3)
    parts = [
        scattered(chance, 700, 0, 1, 0, 1),
        scattered(chance, 500, 1.6, 2.4, 0, 1),
        scattered(chance, 150, 20, 60, 0, 40),
    ]
    patients = placed(*(np.concatenate(axis) for axis in zip(*parts, strict=True)))
    is_client = chance.random(len(patients)) < 0.3
    made = made_by_sql(warehouse, published, patients, is_client)
    assert made["int_cells_shuffled"]["is_full"].sum() >= 10
    found = made["unaffiliated_nearness"]
    check(found, nearness.nearness_of(patients, is_client))
    by_radius = found.sort_values("radius_km")
    for column in ("cluster_count", "chance_cluster_low", "chance_cluster_high"):
        assert list(by_radius[column]) == [2, 1, 1]


@pytest.mark.parametrize("clients", [0.05, 0.5])
def test_thin_and_crowded_places_are_measured_alike(
    published: Casebook, warehouse: Connection, clients: float
) -> None:
    """Density falls off from the middle, so that many homes are core in some shuffles only."""
    chance = np.random.default_rng(5)
    patients = placed(*chance.normal(0, 1.6, (2, 900)))
    is_client = chance.random(len(patients)) < clients
    found = made_by_sql(warehouse, published, patients, is_client)["unaffiliated_nearness"]
    check(found, nearness.nearness_of(patients, is_client))


def verdict(patients: pd.DataFrame, is_client: np.ndarray) -> tuple[int, str]:
    """Return what the page says of homes, as a number and as its sentence."""
    shown = nearness.nearness_of(patients, is_client)
    (row,) = shown[shown["is_cluster_radius"].astype(bool)].to_dict("records")
    told = than_chance(row["near_share"], row["chance_low"], row["chance_high"])
    return told, nearness_finding(shown)


def test_planted_nearness_and_distance_are_called_so() -> None:
    chance = np.random.default_rng(1)
    sites = np.arange(150) * 2.0
    pairs = placed(np.concatenate([sites, sites]), np.zeros(300))
    told, sentence = verdict(pairs, np.arange(300) < 150)
    assert (told, "live closer to" in sentence) == (1, True)
    apart = placed(*scattered(chance, 400, 0, 6, 0, 6))
    told, sentence = verdict(apart, apart["lon"].to_numpy() < apart["lon"].median())
    assert (told, "live farther from" in sentence) == (-1, True)


def test_nothing_planted_is_hardly_ever_called_notable(
    soak: bool, figure: Callable[[str], None]
) -> None:
    exports, called = (1000 if soak else 40), 0
    for seed in range(exports):
        chance = np.random.default_rng(seed)
        patients = placed(*scattered(chance, 250, 0, 5, 0, 5), prefix=f"s{seed}-")
        told, sentence = verdict(patients, chance.random(250) < 0.32)
        called += told != 0
        assert (told == 0) == ("no closer" in sentence)
    figure(f"Nearness: {called} of {exports} exports without any are called closer or farther")
    assert called <= 0.05 * exports
