"""Management's exact counts by county place few of the patients whose rows it reads."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attacker.areas import ASSOCIATION
from attacker.counties import OTHER_COUNTIES, Placed, Strata, place
from attacker.figures import Row
from recomputed import management, rule
from recomputed.raw import Export

from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import REAL_EXPORT
from tests.python.disclosure.linear.conftest import World

# Of all patients; what exact pairs of at least five expected patients still give away: 64 of the
# sample's 845 and 23 of the real export's 732. Every pair would give away more than twice as many.
MOST_PLACED = 0.08
NO_STRATA: Strata = {}


@pytest.fixture
def noted(world: World, figure: Callable[[str], None]) -> Callable[[str, Placed], Placed]:
    """Return a function that notes what an attack came to and returns it."""

    def note(what: str, found: Placed) -> Placed:
        figure(
            f"Disclosure, counties of {world.name}, {what}: {found.placed} of {found.patients}"
            " patients placed"
        )
        return found

    return note


def rows_of(world: World) -> list[Row]:
    """Return the procedures that management sees."""
    return world.manager["extracts.procedures"]


def test_few_patients_are_placed_in_a_county(
    world: World, noted: Callable[[str, Placed], Placed]
) -> None:
    found = noted("as published", place(world.manager[ASSOCIATION], rows_of(world), world.strata))
    assert found.share <= MOST_PLACED


def test_every_pair_of_every_county_would_be_noticed(
    world: World,
    noted: Callable[[str, Placed], Placed],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a least number expected and without a pool: many times as many are placed.

    What is expected by strata is left out, which could only place more: the counts alone do.
    """
    monkeypatch.setattr(management, "LEAST_EXPECTED", 0)
    monkeypatch.setattr(management, "shown_as", lambda living: {one: one for one in living.index})
    folder, prefix = PROJECT_DIR / "seeds" / "advocacy", "advocacy__"
    export = Export(REAL_EXPORT) if world.name == "published_export" else Export(folder, prefix)
    every_pair = management.area_procedure_association(export).to_dict("records")
    for row in every_pair:
        row["expected_patients"] = row["crude_expected_patients"]
    found = noted(
        "every pair, at least", place(every_pair, rows_of(world), NO_STRATA, 2 * MOST_PLACED)
    )
    assert found.share > 2 * MOST_PLACED


def test_no_area_of_few_patients_is_named(world: World) -> None:
    """What is expected tells how many live in an area: it is not few, also where it is a pool."""
    procedures = rows_of(world)
    everybody = len({row["patient_key"] for row in procedures})
    had: dict[str, set[str]] = {}
    for row in procedures:
        had.setdefault(row["procedure_code"], set()).add(row["patient_key"])
    areas = {
        row["county"]: round(
            row["crude_expected_patients"] * everybody / len(had[row["procedure_code"]])
        )
        for row in world.manager[ASSOCIATION]
        if row["population"] == "visible_payers"
    }
    assert areas
    assert not any(rule.is_small(living) for living in areas.values())


def test_two_patients_of_one_county_are_placed_and_pooled_ones_are_not() -> None:
    """Three had a procedure, two of whom live in Alpha, and who had another one does not."""
    procedures: list[Row] = [
        {"patient_key": patient, "procedure_code": code, "payer_name": "Aetna"}
        for patient, code in (("a", "1"), ("b", "1"), ("c", "1"), ("c", "2"))
    ]

    def pair(county: str, code: str, observed: int, expected: float) -> Row:
        return {
            "population": "visible_payers",
            "is_exact": True,
            "county": county,
            "procedure_code": code,
            "observed_patients": observed,
            "expected_patients": expected,
            "crude_expected_patients": expected,
        }

    alpha = [pair("Alpha", "1", 2, 2.0), pair("Alpha", "2", 0, 2 / 3)]
    assert place(alpha, procedures, NO_STRATA).placed == 2
    assert place(alpha[:1], procedures, NO_STRATA).placed == 0
    pool = [pair(OTHER_COUNTIES, "1", 3, 3.0)]
    assert place(pool, procedures, NO_STRATA).placed == 0


def test_a_patient_whose_stratum_is_told_is_placed() -> None:
    """Two of five live in Alpha, among them one of the two with a procedure, old and young.

    With the old one 1 / 1 + 1 / 4 are expected, with the young one 2 / 4; without strata 4 / 5.
    """
    had = {"old": "1", "young": "1", "second": "2", "third": "2", "fourth": "2"}
    procedures: list[Row] = [
        {"patient_key": patient, "procedure_code": code, "payer_name": "Aetna"}
        for patient, code in had.items()
    ]
    pair: Row = {
        "population": "visible_payers",
        "is_exact": True,
        "county": "Alpha",
        "procedure_code": "1",
        "observed_patients": 1,
        "expected_patients": 1.3,
        "crude_expected_patients": 0.8,
    }
    strata = {("visible_payers", one): "old" if one == "old" else "young" for one in had}
    assert place([pair], procedures, strata).placed == 1
    assert place([{**pair, "expected_patients": 0.8}], procedures, NO_STRATA).placed == 0
