"""The advocacy sample keeps its promises: people, insurers, care, places, and hostile text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Files = dict[str, pd.DataFrame]

HOSPICE = {"385763009", "305336008"}
CLIENTS = ["Humana", "UnitedHealthcare"]
EARTH_RADIUS_KM = 6371.0088


@pytest.fixture(scope="module")
def encounters(advocacy: Files) -> pd.DataFrame:
    """Return the encounters with the payer's name."""
    names = advocacy["payers"].set_index("id")["name"]
    frame = advocacy["encounters"]
    return frame.assign(payer_name=frame["payer"].map(names))


@pytest.fixture(scope="module")
def procedures(advocacy: Files, encounters: pd.DataFrame) -> pd.DataFrame:
    """Return the procedures with their encounter (suffix `_encounter`) and cost as a number."""
    frame = advocacy["procedures"].merge(
        encounters, left_on="encounter", right_on="id", suffixes=("", "_encounter")
    )
    return frame.assign(cost=frame["base_cost"].astype(float))


def kilometres(first: pd.DataFrame, second: pd.DataFrame) -> np.ndarray:
    """Return great-circle distances between homes, a row per `first` (haversine)."""
    lat_1, lon_1, lat_2, lon_2 = (
        np.radians(frame[column].astype(float).to_numpy())
        for frame in (first, second)
        for column in ("lat", "lon")
    )
    half_lat = np.sin((lat_1[:, None] - lat_2) / 2) ** 2
    half_lon = np.sin((lon_1[:, None] - lon_2) / 2) ** 2
    inner = half_lat + np.cos(lat_1)[:, None] * np.cos(lat_2) * half_lon
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(inner)))


def test_volume(advocacy: Files) -> None:
    assert 980 <= len(advocacy["patients"]) <= 1_000
    assert 27_000 <= len(advocacy["encounters"]) <= 29_500
    assert 46_000 <= len(advocacy["procedures"]) <= 49_500
    assert len(advocacy["payers"]) == 10
    assert len(advocacy["organizations"]) == 1


def test_every_reference_is_valid(
    advocacy: Files, encounters: pd.DataFrame, procedures: pd.DataFrame
) -> None:
    patients = set(advocacy["patients"]["id"])
    assert len(patients) == len(advocacy["patients"])
    assert encounters["id"].is_unique
    assert set(encounters["patient"]) == patients
    assert encounters["payer_name"].notna().all()
    assert set(encounters["organization"]) == set(advocacy["organizations"]["id"])
    assert len(procedures) == len(advocacy["procedures"])
    assert (procedures["patient"] == procedures["patient_encounter"]).all()


def test_half_of_the_encounters_hold_no_procedure(
    encounters: pd.DataFrame, procedures: pd.DataFrame
) -> None:
    assert 0.4 < 1 - encounters["id"].isin(procedures["encounter"]).mean() < 0.6


def test_times_are_instants_of_eleven_years(advocacy: Files) -> None:
    for table in ("encounters", "procedures"):
        for column in ("start", "stop"):
            assert advocacy[table][column].str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").all()
        assert (advocacy[table]["start"] <= advocacy[table]["stop"]).all()
    start = advocacy["encounters"]["start"]
    assert start.min()[:7] == "2011-01"
    assert start.max()[:7] == "2022-02"
    assert advocacy["procedures"]["start"].max()[:7] == "2022-02"


def test_payers_are_the_real_ones_by_name_alone(advocacy: Files) -> None:
    assert set(advocacy["payers"]["name"]) == {
        "Aetna",
        "Anthem",
        "Blue Cross Blue Shield",
        "Cigna Health",
        "Dual Eligible",
        "Humana",
        "Medicaid",
        "Medicare",
        "NO_INSURANCE",
        "UnitedHealthcare",
    }
    without = advocacy["payers"].query("name == 'NO_INSURANCE'")
    assert (without[["address", "city", "zip", "phone"]] == "").all().all()


def test_patients_change_payers(encounters: pd.DataFrame) -> None:
    payers = encounters.groupby("patient")["payer_name"].nunique()
    assert 0.38 < (payers > 1).mean() < 0.55
    assert payers.max() >= 6


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_pays_for_about_200_patients(
    encounters: pd.DataFrame, procedures: pd.DataFrame, client: str
) -> None:
    book = encounters[encounters["payer_name"] == client]
    assert 180 <= book["patient"].nunique() <= 260
    assert 800 <= len(book) <= 1_300
    assert 0.35 < 1 - book["id"].isin(procedures["encounter"]).mean() < 0.6
    done = procedures[procedures["payer_name"] == client]
    patients = done.groupby("code")["patient"].nunique()
    assert len(patients) >= 75
    assert (patients < 11).mean() > 0.5
    assert book["patient"].nunique() - done["patient"].nunique() >= 30


def test_a_third_of_the_patients_met_a_client(encounters: pd.DataFrame) -> None:
    met = encounters["payer_name"].isin(CLIENTS).groupby(encounters["patient"]).any()
    assert 0.25 < met.mean() < 0.4


def test_hospice_is_humanas_most_frequent_procedure_from_very_few_patients(
    procedures: pd.DataFrame,
) -> None:
    humana = procedures[procedures["payer_name"] == "Humana"]
    counts = humana["code"].value_counts()
    assert counts.index[0] == "385763009"
    assert humana.loc[humana["code"] == "385763009", "patient"].nunique() <= 4


def test_humanas_chemotherapy_happens_in_encounters_that_also_hold_hospice(
    procedures: pd.DataFrame,
) -> None:
    humana = procedures[procedures["payer_name"] == "Humana"]
    hospice = set(humana.loc[humana["code"].isin(HOSPICE), "encounter"])
    is_mixed = humana.loc[humana["code"] == "367336001", "encounter"].isin(hospice)
    assert is_mixed.sum() >= 10
    assert (~is_mixed).sum() >= 3


def test_hospice_hides_in_humana_encounters_in_every_way(
    encounters: pd.DataFrame, procedures: pd.DataFrame
) -> None:
    book = encounters[encounters["payer_name"] == "Humana"]
    assert set(book.loc[book["code"].isin(HOSPICE), "code"]) == HOSPICE
    humana = procedures[procedures["payer_name"] == "Humana"]
    is_hospice = humana["code"].isin(HOSPICE)
    only = is_hospice.groupby(humana["encounter"]).all()
    assert only.sum() >= 20
    coded = humana[humana["code_encounter"].isin(HOSPICE)]
    assert (~coded["code"].isin(HOSPICE)).any(), "ordinary care under a hospice encounter's code"
    by_patient = book.groupby("patient")["id"].agg(set)
    hospice_encounters = set(only[only].index)
    assert (by_patient.map(lambda ids: ids <= hospice_encounters)).any(), "nothing but hospice"


def test_united_healthcare_has_hospice_too(procedures: pd.DataFrame) -> None:
    united = procedures[procedures["payer_name"] == "UnitedHealthcare"]
    assert united["code"].isin(HOSPICE).sum() >= 20


def test_colonoscopies_of_humana(procedures: pd.DataFrame) -> None:
    rows = procedures[(procedures["payer_name"] == "Humana") & (procedures["code"] == "73761001")]
    assert len(rows) >= 15
    assert rows["patient"].nunique() >= 11


def test_some_codes_have_two_descriptions(advocacy: Files) -> None:
    variants = advocacy["procedures"].groupby("code")["description"].nunique()
    assert (variants == 2).sum() >= 3
    assert advocacy["encounters"].groupby("code")["description"].nunique().max() >= 3
    assert variants.index.str.fullmatch(r"\d{6,18}").all()


def test_procedures_leave_the_time_of_their_encounter(procedures: pd.DataFrame) -> None:
    assert (procedures["stop"] > procedures["stop_encounter"]).mean() > 0.4
    start, begun = procedures["start"], procedures["start_encounter"]
    assert (start >= begun).all()
    assert 0.08 < (start.str[:10] != begun.str[:10]).mean() < 0.25
    assert 0.03 < (start.str[:7] != begun.str[:7]).mean() < 0.12


def test_costs_have_a_heavy_right_tail(procedures: pd.DataFrame, encounters: pd.DataFrame) -> None:
    cost = procedures["cost"]
    assert cost.min() > 0
    assert cost.max() > 200 * cost.median()
    claim = encounters["total_claim_cost"].astype(float)
    assert claim.mean() > 3 * claim.median()
    covered = encounters["payer_coverage"].astype(float)
    assert (covered <= claim).all()
    assert (covered[encounters["payer_name"] == "NO_INSURANCE"] == 0).all()
    done = procedures.groupby("encounter")["cost"].sum()
    assert (claim.set_axis(encounters["id"]).loc[done.index] >= done - 0.005).all()


def test_the_very_old_the_dead_and_those_without_zip_are_there(
    advocacy: Files, encounters: pd.DataFrame
) -> None:
    patients = advocacy["patients"]
    assert (patients["birthdate"] < "1932-02-05").sum() > 100
    assert 90 <= (patients["zip"] == "").sum() <= 190
    death = encounters["patient"].map(patients.set_index("id")["deathdate"])
    assert 30 <= ((death != "") & (encounters["start"].str[:10] > death)).sum() <= 90
    born = encounters["patient"].map(patients.set_index("id")["birthdate"])
    assert (encounters["start"].str[:10] > born).all()


def test_zips_need_care(advocacy: Files, seeds: Path) -> None:
    sparse = pd.read_csv(seeds / "reference" / "sparse_zip3.csv", dtype=str).iloc[:, 0]
    zips = advocacy["patients"]["zip"]
    assert 1 <= zips.str[:3].isin(sparse).sum() <= 3
    assert ((zips.str.len() < 5) & (zips != "")).sum() == 1
    assert zips.str.startswith("0").sum() > 700


def test_hostile_text_survives_as_data(advocacy: Files) -> None:
    patients = advocacy["patients"]
    assert patients["address"].str.startswith("=HYPERLINK(").sum() == 1
    assert patients["maiden"].str.startswith("</script><script>").sum() == 1
    names = patients["first"] + "|" + patients["last"]
    for pattern in (r"\d", ",", '"', "'", "[^\x00-\x7f]"):
        assert names.str.contains(pattern).any(), pattern
    hospital = advocacy["organizations"].iloc[0]
    assert "'" in hospital["name"]
    assert "&" in hospital["name"]


def test_unaffiliated_patients_live_in_clusters_near_and_far_from_clients(
    advocacy: Files, encounters: pd.DataFrame
) -> None:
    patients = advocacy["patients"]
    met = set(encounters.loc[encounters["payer_name"].isin(CLIENTS), "patient"])
    is_client = patients["id"].isin(met)
    others, clients = patients[~is_client], patients[is_client]
    is_dense = (kilometres(others, others) <= 0.75).sum(axis=1) >= 11
    dense = others[is_dense]
    assert 0.2 < is_dense.mean() < 0.8, "dense and thin settlement"
    nearest = kilometres(dense, clients).min(axis=1)
    assert (nearest <= 0.75).mean() > 0.5
    assert (nearest > 0.75).sum() >= 11
    centres = dense.assign(lat=dense["lat"].astype(float).round(2).astype(str))
    assert centres["lat"].nunique() >= 6, "several clusters, not one"


def test_no_row_of_the_optional_real_export_is_in_the_sample(
    advocacy: Files, real_export: Path
) -> None:
    for table in ("patients", "encounters", "payers", "organizations"):
        real = pd.read_csv(real_export / f"{table}.csv", dtype=str, encoding="utf-8-sig")
        assert not set(real["Id"]) & set(advocacy[table]["id"])
    real = pd.read_csv(real_export / "patients.csv", dtype=str, encoding="utf-8-sig")
    sample = advocacy["patients"]
    assert not set(real["FIRST"] + real["LAST"]) & set(sample["first"] + sample["last"])
    assert not set(real["LAT"] + real["LON"]) & set(sample["lat"] + sample["lon"])
