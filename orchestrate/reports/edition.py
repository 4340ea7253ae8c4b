"""Which published version is shown, from when and of what source, and the sentences that say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from orchestrate.publishing import PublishedVersion
from orchestrate.reports.text import day, moment, month


@dataclass(frozen=True)
class Edition:
    """Which published version a page shows; unknown parts are None.

    `first_study_at` and `last_study_at` bound studies, `first_month` and `last_month` (their first
    days) encounters, where the relations shown carry times.
    """

    version: int | None = None
    published_at: datetime | None = None
    sources: tuple[str, ...] = ()
    first_study_at: datetime | None = None
    last_study_at: datetime | None = None
    first_month: date | None = None
    last_month: date | None = None


def describe_edition(
    edition: Edition, versions: Sequence[PublishedVersion], domain: str
) -> Edition:
    """Add when the version that was read was published and from which source of its domain."""
    found = next((one for one in versions if one.version == edition.version), None)
    if found is None:
        return edition
    return replace(
        edition,
        published_at=found.published_at,
        sources=tuple(_source(found.sources.get(domain))),
    )


def edition_line(edition: Edition) -> str:
    """Say which version a page shows and since when it is published."""
    if edition.version is None:
        return "Nothing is published that this membership may see"
    since = f", published {moment(edition.published_at)}" if edition.published_at else ""
    return f"Version {edition.version}{since}"


def coverage_line(edition: Edition) -> str:
    """Say which time the data covers, nothing where its relations carry no times."""
    if edition.first_study_at is not None and edition.last_study_at is not None:
        first, last = edition.first_study_at.date(), edition.last_study_at.date()
        if first == last:
            return f"Studies finalized on {day(first)} (UTC)"
        return f"Studies finalized from {day(first)} to {day(last)} (UTC)"
    if edition.first_month is not None and edition.last_month is not None:
        if edition.first_month == edition.last_month:
            return f"Encounters that started in {month(edition.first_month)} (UTC)"
        return (
            f"Encounters that started from {month(edition.first_month)} to "
            f"{month(edition.last_month)} (UTC)"
        )
    return ""


def _source(recorded: object) -> list[str]:
    """Say where a domain's data came from: never a path, pages are given away."""
    if not isinstance(recorded, Mapping):
        return []
    if recorded.get("source") == "sample":
        return ["the sample data that Casebook ships"]
    loaded = recorded.get("loaded_at")
    if recorded.get("source") == "landed":
        return [f"tables that were extracted last on {_day(loaded)}" if loaded else "landed tables"]
    return [f"an export loaded on {_day(loaded)}" if loaded else "an export"]


def _day(text: object) -> str:
    return day(date.fromisoformat(str(text)[:10]))
