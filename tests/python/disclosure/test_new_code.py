"""A code that nobody has tagged and that names end-of-life care stops the publication."""

from __future__ import annotations

import pytest
from psycopg2 import sql
from recomputed.raw import reference
from tiny import Tiny

from orchestrate.errors import DataError
from orchestrate.publishing import published_versions, publisher
from orchestrate.publishing.audit import CHECKS, Examined, audit
from orchestrate.publishing.audit.restrictions import check_tags

# Where it says so: the relation, its column for the code, and its column with the text.
PLACES = {
    "a procedure": ("procedures", "procedure_code", "procedure_description", "HOSPICE visit"),
    "its reason": ("procedures", "procedure_code", "reason_name", "For palliative care"),
    "an encounter": ("encounters", "encounter_code", "encounter_name", "Terminal care"),
    "its own reason": ("encounters", "encounter_code", "reason_name", "End-of-life planning"),
}
READ = "select procedure_code from clients.procedure_summary order by 1"


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def with_new_code(tiny: Tiny, request: pytest.FixtureRequest) -> Tiny:
    """Return a published Casebook whose next build holds the code 999, also in the open scope."""
    relation, code, column, text = request.param
    tiny.publish()
    tiny.build(2)
    with tiny.databases.warehouse.session() as connection, connection.cursor() as cursor:
        for word in reference("specialty_words").itertuples():
            cursor.execute(
                "insert into staging.stg_reference__specialty_words values (%s, %s)",
                (word.specialty_id, word.word),
            )
        cursor.execute(
            sql.SQL("insert into {} ({}, {}) values ('999', %s)").format(
                sql.Identifier("staging", f"stg_advocacy__{relation}"),
                sql.Identifier(code),
                sql.Identifier(column),
            ),
            (text,),
        )
        cursor.execute(
            "insert into clients.procedure_summary"
            " values ('scope-humana-open', 'humana', '999', '999', 1)"
        )
    return tiny


def test_the_publication_stops(with_new_code: Tiny) -> None:
    before = with_new_code.content()
    with pytest.raises(DataError, match="code 999 or a reason for it names a restricted kind"):
        with_new_code.publish()
    assert with_new_code.content() == before
    assert [one.version for one in published_versions(with_new_code.databases)] == [1]


def test_unchecked_it_would_be_open_to_everybody(
    with_new_code: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(examined: Examined) -> None:
        audit(examined, [check for check in CHECKS if check is not check_tags])

    monkeypatch.setattr(publisher, "audit", careless)
    with_new_code.publish()
    assert with_new_code.read("open_reader", READ) == [("73761001",), ("999",)]
