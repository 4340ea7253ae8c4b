"""Which published version is shown, what its data cover, and the sentences that say so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from orchestrate.publishing import PublishedVersion
from orchestrate.reports.text import day, moment, month

# How the sentence about a schema's data begins, and what they are of: some, and none.
_SUBJECTS = {
    "residency": ("Figures cover", "studies finalized", "no study"),
    "clients": ("Figures cover", "encounters", "no encounter"),
    "management": ("Rows that may be shown cover", "encounters", "no encounter"),
    "extracts": ("Rows that may be shown cover", "encounters", "no encounter"),
}
_SOURCES = {
    "sample": "the sample data that Casebook ships",
    "export": "an export",
    "landed": "tables that were landed",
}


@dataclass(frozen=True)
class Coverage:
    """What the data of a schema cover, as the reader's own relation `coverage` there says.

    `source` is `sample`, `export` or `landed`; `first` and `last` are None without any data, and
    tell a `day`, a `month` or a `year`, as `precision` says. They are in UTC.
    """

    schema: str
    source: str
    first: date | None
    last: date | None
    precision: str = "day"


@dataclass(frozen=True)
class Edition:
    """Which published version a page shows, and what its data cover; unknown parts are None."""

    version: int | None = None
    published_at: datetime | None = None
    coverage: Coverage | None = None


def describe_edition(edition: Edition, versions: Sequence[PublishedVersion]) -> Edition:
    """Add when the version that was read was published."""
    found = next((one for one in versions if one.version == edition.version), None)
    return edition if found is None else replace(edition, published_at=found.published_at)


def edition_line(edition: Edition) -> str:
    """Say which version a page shows and since when it is published."""
    if edition.version is None:
        return "Nothing is published that this membership may see"
    since = f", published {moment(edition.published_at)}" if edition.published_at else ""
    return f"Version {edition.version}{since}"


def coverage_line(edition: Edition) -> str:
    """Say which time the data cover; nothing where nothing is shown."""
    coverage = edition.coverage
    if coverage is None:
        return "" if edition.version is None else "It is not known which time the data cover"
    verb, some, none = _SUBJECTS[coverage.schema]
    if coverage.first is None or coverage.last is None:
        return f"{verb} {none}"
    first, last = _written(coverage, coverage.first), _written(coverage, coverage.last)
    if first != last:
        return f"{verb} {some} from {first} to {last} (UTC)"
    return f"{verb} {some} {'on' if coverage.precision == 'day' else 'in'} {first} (UTC)"


def as_of_line(edition: Edition) -> str:
    """Say up to when the data reach, whenever they were loaded; nothing without any."""
    coverage = edition.coverage
    return f"{_written(coverage, coverage.last)} (UTC)" if coverage and coverage.last else ""


def source_line(edition: Edition) -> str:
    """Say what the data were taken from; nothing where it is not known."""
    return _SOURCES[edition.coverage.source] if edition.coverage else ""


def _written(coverage: Coverage, value: date) -> str:
    write: Callable[[date], str] = {"day": day, "month": month}.get(
        coverage.precision, lambda start: str(start.year)
    )
    return write(value)
