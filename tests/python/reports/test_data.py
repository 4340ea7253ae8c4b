"""A folder is read at one moment, of one version, and as its login; what cannot be read is said."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal

import pandas as pd
import psycopg2.extensions
import pytest
import scoped

from orchestrate.driver import Cursor
from orchestrate.errors import ConfigurationError, DatabaseError
from orchestrate.publishing import PublishedVersion
from orchestrate.reports import data
from orchestrate.reports.data import (
    Relation,
    read_client,
    read_coverage,
    read_residency,
    read_snapshot,
    snapshot,
)
from orchestrate.reports.edition import (
    Coverage,
    Edition,
    as_of_line,
    coverage_line,
    describe_edition,
    edition_line,
    source_line,
)
from tests.python.conftest import Casebook
from tests.python.reports import datasets

FIRST = Relation("public", "first_relation", ("value",))
SECOND = Relation("public", "second_relation", ("value",))
NEW_YEAR = date(2019, 1, 1)
VERSION = PublishedVersion(
    version=7,
    published_at=datetime(2019, 8, 1, 6, 30, tzinfo=UTC),
    sources={},
    rows={},
    tests_passed=1,
    tests_warned=0,
    casebook_version="0.1.0",
    invocation_id="x",
    is_current=True,
)


@pytest.mark.slow
def test_what_is_committed_between_two_reads_shows_in_neither(
    own_casebook: Casebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = own_casebook.databases.warehouse
    read = data._read

    def read_then_change(cursor: Cursor, relation: Relation) -> pd.DataFrame:
        frame = read(cursor, relation)
        with warehouse.session() as other, other.cursor() as writing:
            writing.execute("update first_relation set version = 2, value = 'new'")
            writing.execute("update second_relation set version = 2, value = 'new'")
        return frame

    with warehouse.session() as session, session.cursor() as cursor:
        for relation in (FIRST, SECOND):
            cursor.execute(
                f"create table {relation.name} as select 1::bigint as version, 'old' as value"
            )
    monkeypatch.setattr(data, "_read", read_then_change)
    with closing(warehouse.connect()) as connection:
        frames = read_snapshot(connection, [FIRST, SECOND])
        assert [frame["value"].tolist() for frame in frames] == [["old"], ["old"]]
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction), connection.cursor() as cursor:
            cursor.execute("create table third_relation ()")


def test_two_versions_in_one_read_are_refused() -> None:
    frames = [datasets.frame(("version",), [(1,)]), datasets.frame(("version",), [(2,)])]
    with pytest.raises(DatabaseError, match=r"versions \[1, 2\] at once"):
        data.only_version(frames)
    assert data.only_version([frames[0], frames[0].iloc[0:0]]) == 1
    assert data.only_version([frames[0].iloc[0:0]]) is None


@pytest.mark.slow
def test_values_are_the_databases_own(published: Casebook) -> None:
    with closing(scoped.reader(published.databases, "program_director").connect()) as connection:
        read = read_residency(connection)
    assert read.edition.version == 1
    assert isinstance(read.rvu["total_rvu"].iloc[0], Decimal)
    assert "version" not in read.totals
    assert read.totals["resident_name"].is_monotonic_increasing
    assert read.edition.coverage == datasets.EDITION.coverage


@pytest.mark.slow
def test_a_relation_of_another_audience_is_not_there(published: Casebook) -> None:
    with (
        closing(scoped.reader(published.databases, "program_director").connect()) as connection,
        pytest.raises(ConfigurationError, match="Nothing is published"),
    ):
        read_client(connection)


@pytest.mark.slow
def test_a_relation_that_nobody_may_read_is_refused_and_said(published: Casebook) -> None:
    with (
        closing(scoped.reader(published.databases, "program_director").connect()) as connection,
        pytest.raises(DatabaseError, match="may not read"),
    ):
        read_snapshot(connection, [Relation("private", "pointer", ("turn",))])


@pytest.mark.slow
def test_a_missing_relation_means_that_nothing_is_published(published: Casebook) -> None:
    missing = Relation("residency", "no_such_relation", ("a",))
    with (
        closing(scoped.reader(published.databases, "program_director").connect()) as connection,
        pytest.raises(ConfigurationError, match="Nothing is published"),
    ):
        read_snapshot(connection, [missing])


@pytest.mark.parametrize(
    ("login", "schema"),
    [("uhc_analyst", "clients"), ("humana_colonoscopy", "clients"), ("staff_member", "extracts")],
)
@pytest.mark.slow
def test_what_is_covered_is_read_as_the_login(login: str, schema: str, published: Casebook) -> None:
    reader = scoped.reader(published.databases, login)
    with closing(reader.connect()) as connection, snapshot(connection) as cursor:
        covered = read_coverage(cursor, schema)
        rows = "encounters" if schema == "extracts" else "encounter_extract"
        cursor.execute(f"select min(service_month), max(service_month) from {schema}.{rows}")
        assert covered == Coverage(schema, "sample", *(cursor.fetchone() or ()), "month")


def test_an_edition_is_of_the_version_that_was_read() -> None:
    assert edition_line(describe_edition(Edition(7), [VERSION])) == (
        "Version 7, published 1 August 2019, 06:30 UTC"
    )
    assert edition_line(describe_edition(Edition(8), [VERSION])) == "Version 8"
    assert edition_line(Edition()).startswith("Nothing is published")


@pytest.mark.parametrize(
    ("coverage", "line", "as_of"),
    [
        (
            datasets.EDITION.coverage,
            "Figures cover studies finalized from 1 July 2018 to 30 June 2019 (UTC)",
            "30 June 2019 (UTC)",
        ),
        (
            Coverage("residency", "export", NEW_YEAR, NEW_YEAR),
            "Figures cover studies finalized on 1 January 2019 (UTC)",
            "1 January 2019 (UTC)",
        ),
        (
            Coverage("clients", "landed", date(2011, 3, 1), NEW_YEAR, "month"),
            "Figures cover encounters from March 2011 to January 2019 (UTC)",
            "January 2019 (UTC)",
        ),
        (
            Coverage("clients", "landed", date(2011, 1, 1), NEW_YEAR, "year"),
            "Figures cover encounters from 2011 to 2019 (UTC)",
            "2019 (UTC)",
        ),
        (
            Coverage("management", "sample", NEW_YEAR, NEW_YEAR, "month"),
            "Rows that may be shown cover encounters in January 2019 (UTC)",
            "January 2019 (UTC)",
        ),
        (
            Coverage("extracts", "sample", None, None, "month"),
            "Rows that may be shown cover no encounter",
            "",
        ),
        (Coverage("residency", "sample", None, None), "Figures cover no study", ""),
        (None, "It is not known which time the data cover", ""),
    ],
)
def test_a_page_says_what_its_data_cover(coverage: Coverage | None, line: str, as_of: str) -> None:
    edition = Edition(version=7, coverage=coverage)
    assert (coverage_line(edition), as_of_line(edition)) == (line, as_of)
    assert (source_line(edition) == "") is (coverage is None)
    assert coverage_line(Edition()) == ""
