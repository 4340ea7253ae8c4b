"""Restrictions are rows in seeds: the build's own tests take several of a client, and no typo.

Each kind of care has its own words, and a scope that shows one of them hides the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.python.conftest import Casebook

SHOWN, NAMES = (
    "assert_shown_texts_name_no_hidden_care",
    "assert_restrictions_name_whole_specialties",
)
# Humana restricts colonoscopies as well: what the next build would have made of these rows.
SECOND = (
    "insert into reference.restrictions values ('humana', 'colonoscopy')",
    "insert into reference.specialties values ('73761001', 'colonoscopy', 'Colonoscopy')",
    "insert into reference.specialty_words values ('colonoscopy', 'colonoscop')",
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
Finds = Callable[..., list[str]]


@pytest.fixture
def finds(published: Casebook) -> Iterator[Finds]:
    """Return a function that changes the build, not for long, and says what a test then finds.

    That is the second column of its rows: a column of a mart, or a specialty.
    """
    compiled = published.settings.target_dir / "compiled"
    connection = published.databases.warehouse.connect()

    def change_and_look(test: str, *statements: str) -> list[str]:
        (path,) = compiled.rglob(f"{test}.sql")
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            cursor.execute(path.read_text(encoding="utf-8"))
            return sorted(row[1] for row in cursor.fetchall())

    try:
        yield change_and_look
    finally:
        connection.rollback()
        connection.close()


def test_a_second_kind_of_care_may_be_restricted(finds: Finds) -> None:
    assert finds(SHOWN, *SECOND) == []


@pytest.mark.parametrize(
    ("name", "visibility", "found"),
    [
        ("A HOSPICE visit", "open", ["encounter_name"]),
        ("A HOSPICE visit", "hospice", []),
        ("Before colonoscopy", "open", ["encounter_name"]),
        ("Before colonoscopy", "hospice", ["encounter_name"]),
    ],
)
def test_a_text_is_found_where_its_own_kind_is_hidden(
    finds: Finds, name: str, visibility: str, found: list[str]
) -> None:
    assert finds(SHOWN, *SECOND, NAMED.format(name=name, visibility=visibility)) == found


@pytest.mark.parametrize(
    ("specialty", "found"),
    [("hospise", ["hospise"]), ("385763009", ["385763009"]), ("7376100", []), ("hospice", [])],
    ids=["misspelled", "part of a group", "a code of no export", "known"],
)
def test_a_restriction_that_would_hide_nothing_is_found(
    finds: Finds, specialty: str, found: list[str]
) -> None:
    renamed = f"update reference.restrictions set specialty_id = '{specialty}'"
    assert finds(NAMES, renamed) == found
