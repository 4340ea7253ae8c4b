"""Every relation of schema `extracts` equals its recomputation from the CSV files."""

from __future__ import annotations

from recomputed import coverage, extracts

from tests.python.models.conftest import Compare, Dataset


def test_what_the_rows_that_may_be_shown_cover(dataset: Dataset, compare: Compare) -> None:
    compare("extracts.coverage", coverage.visible_payers(dataset.export))


def test_every_patient_of_a_visible_payer(dataset: Dataset, compare: Compare) -> None:
    compare("extracts.patients", extracts.patients(dataset.export, dataset.pseudonyms))


def test_every_encounter_of_a_visible_payer(dataset: Dataset, compare: Compare) -> None:
    compare("extracts.encounters", extracts.encounters(dataset.export, dataset.pseudonyms))


def test_every_procedure_of_a_visible_payer(dataset: Dataset, compare: Compare) -> None:
    expected = extracts.procedures(dataset.export, dataset.pseudonyms)
    compare("extracts.procedures", expected, "procedure_key")


def test_every_figure_of_the_restricted_payers(dataset: Dataset, compare: Compare) -> None:
    expected = extracts.restricted_payer_summary(dataset.export)
    compare("extracts.restricted_payer_summary", expected, "summary_key")
