"""Ages and homes are shown no finer than they may be, where they are at the edge of it or odd."""

from __future__ import annotations

from contextlib import closing

import pytest
import scoped
from recomputed.extracts import visible
from recomputed.raw import Export, Pseudonyms, reference

from orchestrate.settings import PROJECT_DIR
from tests.python.disclosure.altered import ODD_ZIPS
from tests.python.disclosure.conftest import Challenged

pytestmark = pytest.mark.slow

READ = {
    "staff_member": "extracts.patients",
    "humana_hospice": "clients.patient_extract",
    "uhc_analyst": "clients.patient_extract",
}
Shown = dict[str, dict[str, tuple[str, str]]]


@pytest.fixture(scope="module")
def shown(challenged: Challenged) -> Shown:
    """Return age band and ZIP3 of each source patient, by the login that reads them."""
    databases = challenged.casebook.databases
    secret = Pseudonyms(
        challenged.casebook.settings.pseudonym_key_path.read_text(encoding="ascii").strip()
    )
    patients = {
        secret.one("patient", owner, patient): patient
        for patient in challenged.altered.values("patients", "id")
        for owner in (*reference("clients")["client_id"], "staff")
    }
    found: Shown = {}
    for login, relation in READ.items():
        with (
            closing(scoped.reader(databases, login).connect()) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(f"select patient_key, age_band, zip3 from {relation}")
            found[login] = {patients[key]: (band, zip3) for key, band, zip3 in cursor.fetchall()}
    return found


def test_whoever_is_ninety_is_with_all_who_are_older(challenged: Challenged, shown: Shown) -> None:
    """At the last encounter it is the day of the ninetieth birthday, or the day before."""
    encounters = Export(challenged.altered.advocacy).encounters.sort_values("started")
    last = set(visible(encounters.groupby("patient_id").tail(1))["patient_id"])
    for patients, band in (
        (challenged.altered.ninety, "90+"),
        (challenged.altered.almost, "80-89"),
    ):
        told = patients & last & shown["staff_member"].keys()
        assert len(told) > 5
        assert {shown["staff_member"][patient][0] for patient in told} == {band}
    bands = {band for rows in shown.values() for band, _ in rows.values()}
    assert bands <= {*(f"{tens}-{tens + 9}" for tens in range(0, 90, 10)), "90+"}


def test_no_zip_that_is_odd_or_sparse_is_told(challenged: Challenged, shown: Shown) -> None:
    odd = challenged.altered.odd_zips
    assert set(odd.values()) == set(ODD_ZIPS)
    told = {
        patient: zip3
        for rows in shown.values()
        for patient, (_, zip3) in rows.items()
        if patient in odd
    }
    assert len(told) > 5
    assert set(told.values()) == {"000"}
    sparse = (PROJECT_DIR / "seeds" / "reference" / "sparse_zip3.csv").read_text().split()[1:]
    everywhere = {zip3 for rows in shown.values() for _, zip3 in rows.values()}
    assert everywhere.isdisjoint(sparse)
    assert any(zip3 != "000" for zip3 in everywhere)
