"""The figures that overviews begin with, from data as awkward as they come."""

from __future__ import annotations

from dataclasses import replace

from orchestrate.reports.headlines import (
    activity_headlines,
    procedure_headlines,
    residency_headlines,
)
from tests.python.reports import datasets

NAMES = ("Colonoscopy (procedure)", "Hospice")


def test_nothing_begins_with_no_figure() -> None:
    empty = datasets.activity_data(())
    assert residency_headlines(datasets.empty_residency_data()) == []
    assert procedure_headlines(datasets.client_data(()).procedures) == []
    assert activity_headlines(empty.activity, empty.specialties) == []


def test_residents_are_counted_where_there_are_several() -> None:
    data = datasets.residency_data()
    found = dict(residency_headlines(data))
    met = sum(data.progress["is_met"])
    assert found["Minimums met"] == f"{met} of {len(data.progress)}"
    everything = data.progress.assign(is_met=True)
    assert "2 of 2" in dict(residency_headlines(replace(data, progress=everything))).values()
    one = residency_headlines(datasets.residency_data(("Okafor, Chidi",)))
    assert "Residents who have met all" not in dict(one)


def test_rvus_of_nobody_have_no_share_and_no_site_is_the_highest_of_none() -> None:
    data = datasets.residency_data()
    nothing = replace(data, rvu=data.rvu.iloc[:0], sites=data.sites.assign(is_highest=False))
    assert set(dict(residency_headlines(nothing))) == {"Minimums met", "Residents who have met all"}


def test_procedures_that_lead_are_named_together_and_none_leads_at_no_cost() -> None:
    procedures = datasets.client_data(NAMES).procedures
    level = procedures.assign(procedure_count=4, total_cost=7)
    assert procedure_headlines(level) == [
        ("Total cost of procedures", "$14"),
        ("Procedures performed", "8 of 2 kinds"),
        ("Costs most", "Colonoscopy and 1 other"),
        ("Performed most", "Colonoscopy and 1 other"),
    ]
    assert "Costs most" not in dict(procedure_headlines(level.assign(total_cost=0)))


def test_a_patient_of_several_months_is_helped_once() -> None:
    data = datasets.activity_data(NAMES)
    assert activity_headlines(data.activity, data.specialties) == [
        ("Patients helped", "2"),
        ("Encounters", "4"),
        ("Procedures", "8"),
        ("Busiest specialty", "Colonoscopy"),
    ]
