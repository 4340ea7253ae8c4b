"""clients.patients_helped, called by readers for any span, equals its recomputation from the CSVs.

Each client login asks for itself, in the reporting database, so what it gets is its scope's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd
import psycopg2
import pytest
import scoped
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recomputed.clients import patients_helped, services
from recomputed.compare import check
from recomputed.raw import reference
from recomputed.scopes import Scope, scopes

from orchestrate.errors import DatabaseError
from tests.python.models.conftest import Dataset

MONTHS = [date(2010 + month // 12, month % 12 + 1, 1) for month in range(11, 12 * 13)]
COLUMNS = [
    "organization_name",
    "specialty_id",
    "specialty_name",
    "patient_count",
    "encounter_count",
    "procedure_count",
]
CALL = "select * from clients.patients_helped(%s, %s, %s)"
SPANS = st.tuples(st.sampled_from(MONTHS), st.sampled_from(MONTHS)).map(sorted)
MEMBERS = reference("members")
LOGINS = list(MEMBERS.loc[MEMBERS["audience"] == "client", "login"])


def scope_of(dataset: Dataset, login: str) -> Scope:
    """Return what a login may see: its specialty where its client restricts that, else `open`."""
    member = MEMBERS.set_index("login").loc[login]
    of_client = {
        scope.visibility: scope
        for scope in scopes(dataset.export)
        if scope.client_id == member["client_id"]
    }
    return of_client.get(member["specialty_id"], of_client["open"])


@pytest.mark.parametrize("login", LOGINS)
def test_any_span_equals_its_recomputation(
    login: str, dataset: Dataset, figure: Callable[[str], None]
) -> None:
    scope = scope_of(dataset, login)
    every = [None, *sorted({*services(scope)["specialty_id"], "hospice", "none", "all", "other"})]
    compared = []
    with (
        scoped.reader(dataset.casebook.databases, login).session() as connection,
        connection.cursor() as cursor,
    ):

        @settings(max_examples=20, deadline=None)
        @given(SPANS, st.sampled_from(every))
        @example([MONTHS[0], MONTHS[-1]], None)
        @example([MONTHS[0], MONTHS[1]], None)
        @example([date(2016, 3, 1), date(2016, 3, 1)], None)
        @example([MONTHS[0], MONTHS[-1]], "hospice")
        @example([MONTHS[0], MONTHS[-1]], "none")
        def ask(span: list[date], specialty: str | None) -> None:
            cursor.execute(CALL, (*span, specialty))
            found = pd.DataFrame(cursor.fetchall(), columns=COLUMNS, dtype=object)
            expected = patients_helped(scope, *span, specialty)
            compared.append(check(found, expected))

        ask()
    figure(
        f"clients.patients_helped as {login}, recomputed from the {dataset.name}:"
        f" {sum(compared)} cells of {len(compared)} spans equal"
    )


@pytest.mark.parametrize(
    "span",
    [
        (date(2015, 1, 2), date(2016, 1, 1)),
        (date(2015, 1, 1), date(2015, 1, 31)),
        (date(2016, 1, 1), date(2015, 1, 1)),
        (None, date(2015, 1, 1)),
        (date(2015, 1, 1), None),
    ],
)
def test_a_span_that_tells_more_than_months_or_nothing_is_refused(
    span: tuple[date | None, date | None], dataset: Dataset
) -> None:
    reader = scoped.reader(dataset.casebook.databases, LOGINS[0])
    with (
        pytest.raises(DatabaseError) as refused,
        reader.session() as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(CALL, (*span, None))
    assert isinstance(refused.value.__cause__, psycopg2.errors.InvalidParameterValue)
