"""How far the records of each domain reach, and that the newest do not count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pandas as pd
import pytest

from orchestrate.building.outcome import BuildOutcome
from orchestrate.console import Console
from orchestrate.loading import DomainSource
from orchestrate.loading.reach import TableReach, read_reaches
from orchestrate.pipeline import tell_oddities
from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook

FIRST, LAST, LATER = (datetime(2019, month, 1, tzinfo=UTC) for month in (1, 3, 4))
TIMES = {
    "residency": {"studies": "finalized"},
    "advocacy": {"encounters": "start", "procedures": "start"},
}


def studies(last: datetime | None, delivered: datetime) -> TableReach:
    """Return how far studies reach that begin with FIRST."""
    return TableReach("residency", "studies", FIRST if last else None, last, delivered)


@pytest.mark.parametrize(
    ("reach", "left_out", "told"),
    [
        (studies(LAST, LAST), None, None),
        (
            studies(LAST, LATER),
            LATER,
            "the newest that does is of 2019-03-01.",
        ),
        (studies(None, LATER), LATER, "none does."),
    ],
)
def test_records_later_than_all_that_count_are_told(
    reach: TableReach,
    left_out: datetime | None,
    told: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = DomainSource("residency", "export", None, None, (), reaches=(reach,))
    tell_oddities({"residency": source}, BuildOutcome(0, ()), Console())
    said = " ".join(capsys.readouterr().err.split())
    newest = "Warning: residency studies: the newest record, of 2019-04-01, does not count;"
    assert said == (f"{newest} {told}" if told else "")
    assert reach.as_json()["left_out_at"] == (left_out and left_out.isoformat())


@pytest.mark.slow
def test_the_sample_reaches_as_far_as_its_files(published: Casebook) -> None:
    def times(domain: str, table: str, column: str) -> tuple[datetime, datetime]:
        path = PROJECT_DIR / "seeds" / domain / f"{domain}__{table}.csv"
        found = pd.to_datetime(pd.read_csv(path, dtype=str)[column], utc=True)
        return found.min().to_pydatetime(), found.max().to_pydatetime()

    expected: Mapping[str, tuple[TableReach, ...]] = {
        domain: tuple(
            TableReach(domain, table, first, last, last)
            for table, column in sorted(tables.items())
            for first, last in [times(domain, table, column)]
        )
        for domain, tables in TIMES.items()
    }
    with published.databases.warehouse.session() as connection:
        assert {domain: read_reaches(connection, domain) for domain in TIMES} == expected
