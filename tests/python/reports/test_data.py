"""A folder is read at one moment, of one version, and as its login; what cannot be read is said."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import psycopg2.extensions
import pytest
import scoped

from orchestrate.driver import Cursor
from orchestrate.errors import ConfigurationError, DatabaseError
from orchestrate.publishing import PublishedVersion
from orchestrate.reports import data
from orchestrate.reports.data import Relation, read_client, read_residency, read_snapshot
from orchestrate.reports.edition import (
    Edition,
    coverage_line,
    describe_edition,
    edition_line,
)
from tests.python.conftest import Casebook
from tests.python.reports import datasets

FIRST = Relation("public", "first_relation", ("value",))
SECOND = Relation("public", "second_relation", ("value",))
VERSION = PublishedVersion(
    version=7,
    published_at=datetime(2019, 8, 1, 6, 30, tzinfo=UTC),
    sources={
        "residency": {"source": "sample", "directory": None, "loaded_at": None},
        "advocacy": {
            "source": "export",
            "directory": "/home/somebody/secret",
            "loaded_at": "2019-07-30T10:00:00+00:00",
        },
    },
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
    assert read.edition.first_study_at is not None
    assert read.edition.last_study_at is not None
    assert read.edition.first_study_at.date().isoformat() == "2018-07-01"
    assert read.edition.last_study_at.date().isoformat() == "2019-06-30"


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


def test_an_edition_names_its_version_and_source_without_a_path() -> None:
    residency = describe_edition(Edition(version=7), [VERSION], "residency")
    assert residency.sources == ("the sample data that Casebook ships",)
    advocacy = describe_edition(Edition(version=7), [VERSION], "advocacy")
    assert advocacy.sources == ("an export loaded on 30 July 2019",)
    assert edition_line(advocacy) == "Version 7, published 1 August 2019, 06:30 UTC"
    unknown = describe_edition(Edition(version=8), [VERSION], "advocacy")
    assert edition_line(unknown) == "Version 8"
    assert edition_line(Edition()).startswith("Nothing is published")


def test_coverage_is_said_where_it_is_known() -> None:
    assert coverage_line(datasets.EDITION) == (
        "Studies finalized from 1 July 2018 to 30 June 2019 (UTC)"
    )
    moment = datetime(2019, 1, 1, tzinfo=UTC)
    one = Edition(first_study_at=moment, last_study_at=moment)
    assert coverage_line(one) == "Studies finalized on 1 January 2019 (UTC)"
    assert coverage_line(Edition()) == ""
