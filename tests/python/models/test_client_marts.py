"""Every relation of schema `clients` equals its recomputation from the CSV files."""

from __future__ import annotations

import pytest
from recomputed.relations import of_schema

from orchestrate.driver import Connection
from tests.python.models.conftest import Compare, Dataset

MARTS = of_schema("clients")


@pytest.mark.parametrize("name", MARTS)
def test_every_cell_equals_its_recomputation(name: str, dataset: Dataset, compare: Compare) -> None:
    expected = MARTS[name].of(dataset.export, dataset.pseudonyms)
    compare(f"clients.{name}", expected, MARTS[name].opaque)


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
