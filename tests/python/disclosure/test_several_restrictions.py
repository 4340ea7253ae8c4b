"""A client may restrict several kinds of care: the build's own test goes by each one's words.

Each kind has its own words, and a scope that shows one of them hides the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.python.conftest import Casebook

NAME = "assert_shown_texts_name_no_hidden_care.sql"
# Humana restricts colonoscopies as well: what the next build would have made of these rows.
SECOND = (
    "insert into reference.restrictions values ('humana', 'colonoscopy')",
    "insert into reference.specialties values ('73761001', 'colonoscopy', 'Colonoscopy')",
    "insert into reference.specialty_words values ('colonoscopy', 'colonoscop')",
    "insert into intermediate.int_codes_hidden"
    " select scope_id, '73761001' from intermediate.int_client_scopes where client_id = 'humana'",
    *(
        f"delete from clients.{mart} where {column} = '73761001' and client_id = 'humana'"
        for mart, column in (
            ("procedure_extract", "procedure_code"),
            ("top_procedure_patients", "procedure_code"),
            ("procedure_summary", "procedure_code"),
            ("patient_activity", "specialty_id"),
            ("monthly_activity", "specialty_id"),
            ("specialties", "specialty_id"),
        )
    ),
)
NAMED = (
    "update clients.encounter_extract set encounter_name = '{name}' where encounter_key = ("
    " select min(encounter_key) from clients.encounter_extract inner join"
    " intermediate.int_client_scopes using (scope_id, client_id)"
    " where client_id = 'humana' and visibility = '{visibility}')"
    " and scope_id = (select scope_id from intermediate.int_client_scopes"
    " where client_id = 'humana' and visibility = '{visibility}')"
)
Texts = Callable[..., list[str]]


@pytest.fixture
def texts(published: Casebook) -> Iterator[Texts]:
    """Return a function that changes the build, not for long, and says what its test then finds."""
    (path,) = (published.settings.target_dir / "compiled").rglob(NAME)
    test = path.read_text(encoding="utf-8")
    connection = published.databases.warehouse.connect()

    def change_and_look(*statements: str) -> list[str]:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            cursor.execute(test)
            return sorted(text for _, text in cursor.fetchall())

    try:
        yield change_and_look
    finally:
        connection.rollback()
        connection.close()


def test_a_second_kind_of_care_may_be_restricted(texts: Texts) -> None:
    assert texts(*SECOND) == []


@pytest.mark.parametrize(
    ("name", "visibility", "found"),
    [
        ("A HOSPICE visit", "open", ["A HOSPICE visit"]),
        ("A HOSPICE visit", "hospice", []),
        ("Before colonoscopy", "open", ["Before colonoscopy"]),
        ("Before colonoscopy", "hospice", ["Before colonoscopy"]),
    ],
)
def test_a_text_is_found_where_its_own_kind_is_hidden(
    texts: Texts, name: str, visibility: str, found: list[str]
) -> None:
    assert texts(*SECOND, NAMED.format(name=name, visibility=visibility)) == found
