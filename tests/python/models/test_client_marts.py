"""Every relation of schema `clients` equals its recomputation from the CSV files."""

from __future__ import annotations

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812  (a class, named so upstream)
from recomputed import clients

from tests.python.models.conftest import Compare, Dataset

AGGREGATES = {
    "procedure_summary": clients.procedure_summary,
    "monthly_activity": clients.monthly_activity,
    "hospital_activity": clients.hospital_activity,
    "specialties": clients.specialties,
    "top_procedure_patients": clients.top_procedure_patients,
    "top_procedure_overlap": clients.top_procedure_overlap,
}
ROWS = {
    "procedure_extract": clients.procedure_extract,
    "encounter_extract": clients.encounter_extract,
    "patient_extract": clients.patient_extract,
    "patient_activity": clients.patient_activity,
}
KEYS_TOLD_BY_NOTHING = {"procedure_extract": "procedure_key"}


@pytest.mark.parametrize("name", AGGREGATES)
def test_every_cell_of_an_aggregate_equals_its_recomputation(
    name: str, dataset: Dataset, compare: Compare
) -> None:
    compare(f"clients.{name}", AGGREGATES[name](dataset.export))


@pytest.mark.parametrize("name", ROWS)
def test_every_cell_of_rows_equals_its_recomputation(
    name: str, dataset: Dataset, compare: Compare
) -> None:
    expected = ROWS[name](dataset.export, dataset.pseudonyms)
    compare(f"clients.{name}", expected, KEYS_TOLD_BY_NOTHING.get(name))


def test_the_sample_has_a_scope_that_hides_and_one_that_shows_the_same(
    warehouse: Connection,
) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(
            """
            select
                scopes.visibility,
                count(*) filter (where summary.specialty_id = 'hospice') > 0
            from clients.procedure_summary as summary
            inner join intermediate.int_client_scopes as scopes
                on summary.scope_id = scopes.scope_id
            where summary.client_id = 'humana'
            group by scopes.visibility
            """
        )
        assert dict(cursor.fetchall()) == {"open": False, "hospice": True}
