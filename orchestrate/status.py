"""What is published, from which exports, and which versions came before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from psycopg2 import sql

from orchestrate import loading
from orchestrate.building.freshness import TableFreshness, read_freshness
from orchestrate.console import Console
from orchestrate.database import Databases, open_databases
from orchestrate.loading import DomainSource
from orchestrate.publishing import PublishedVersion, published_versions
from orchestrate.publishing.publisher import lagging_scopes
from orchestrate.reports.text import plain
from orchestrate.settings import Settings

# Where the last build left what it found in each domain's export: relation, kind and rows of it.
# For the advocacy domain not the mart, which leaves out payers that management may not see.
_FINDINGS = {
    "residency": ("residency", "data_findings", "finding", "study_count"),
    "advocacy": ("intermediate", "int_advocacy_findings_gathered", "kind", "row_count"),
}


@dataclass(frozen=True)
class ExportFinding:
    """A kind of finding in an export: how many subjects, rows of all, and the largest one."""

    domain: str
    kind: str
    subjects: int
    rows: int
    largest_subject: str
    largest_rows: int


@dataclass(frozen=True)
class Status:
    """Published versions, newest first, and the source that each domain's next run uses.

    `freshness`: of landed tables, as the last run found it. `lagging`: scopes that do not show the
    current version yet, because a command was cut off; the next one completes that. `findings`: of
    everybody, as the last build found them.
    """

    versions: Sequence[PublishedVersion]
    sources: Mapping[str, DomainSource]
    freshness: Sequence[TableFreshness]
    lagging: Sequence[str] = ()
    findings: Sequence[ExportFinding] = ()

    @property
    def current(self) -> PublishedVersion | None:
        """The version that readers see, None before the first publication."""
        return next((version for version in self.versions if version.is_current), None)


def read_status(settings: Settings, console: Console) -> Status:
    """Read the status from the warehouse, and from scopes' databases where they may lag."""
    databases = open_databases(settings, console)
    sources = loading.domain_sources(databases)
    freshness = [
        table
        for table in read_freshness(settings.description_dir)
        if sources[table.domain].source == loading.LANDED
    ]
    return Status(
        published_versions(databases),
        sources,
        freshness,
        lagging_scopes(databases),
        _read_findings(databases),
    )


def _read_findings(databases: Databases) -> list[ExportFinding]:
    """Read what the last build found in the exports; nothing before the first."""
    found = []
    with databases.warehouse.session() as connection, connection.cursor() as cursor:
        for domain, (schema, relation, kind, rows) in _FINDINGS.items():
            name = sql.Identifier(schema, relation)
            cursor.execute("select to_regclass(%s) is not null", (name.as_string(cursor),))
            if cursor.fetchone() != (True,):
                continue
            cursor.execute(
                sql.SQL("select {}, subject, {} from {}").format(
                    sql.Identifier(kind), sql.Identifier(rows), name
                )
            )
            found += summarise(domain, cursor.fetchall())
    return found


def summarise(domain: str, found: Sequence[tuple[str, str, int]]) -> list[ExportFinding]:
    """Sum up findings (kind, subject, rows) by kind, in the alphabet's order."""
    kinds: dict[str, Counter[str]] = {}
    for kind, subject, rows in sorted(found):
        kinds.setdefault(kind, Counter())[subject] += rows
    return [
        ExportFinding(domain, kind, len(rows), rows.total(), *rows.most_common(1)[0])
        for kind, rows in kinds.items()
    ]


def show_status(status: Status, console: Console) -> None:
    """Show the status as tables for people, or as JSON."""
    current = status.current
    if current is None:
        console.write("Nothing is published yet. `casebook run` publishes.")
    else:
        console.show(
            f"Version {current.version}, published {current.published_at:%Y-%m-%d %H:%M:%S %Z}, "
            f"{tests(current)}{_overtaken(status.versions)}",
            ["relation", "rows"],
            sorted(current.rows.items()),
        )
        console.show(
            f"Data of version {current.version}",
            ["domain", "table", "from", "to", "newest that does not count"],
            list(_reaches(current.sources)),
        )
    if status.lagging:
        console.write(
            f"Not shown yet to {', '.join(status.lagging)}, who see the version before: the next"
            " `casebook run` or `casebook report` completes it."
        )
    console.show(
        "Versions kept",
        ["version", "published", "state", "exports", "rows", "tests"],
        [
            (
                str(version.version),
                f"{version.published_at:%Y-%m-%d %H:%M:%S %Z}",
                _state(version),
                describe(version.sources),
                sum(version.rows.values()),
                tests(version),
            )
            for version in status.versions
        ],
    )
    console.show(
        "Sources of the next run",
        ["domain", "source", "loaded", "folder", "rows set aside"],
        [
            (
                domain,
                source.source,
                "" if source.loaded_at is None else f"{source.loaded_at:%Y-%m-%d %H:%M:%S %Z}",
                source.directory,
                sum(source.quarantined.values()) or None,
            )
            for domain, source in sorted(status.sources.items())
        ],
    )
    if status.freshness:
        console.show(
            f"Landed tables at {status.freshness[0].checked_at:%Y-%m-%d %H:%M:%S %Z}",
            ["domain", "table", "extracted last", "freshness"],
            [
                (
                    table.domain,
                    table.table,
                    ""
                    if table.extracted_at is None
                    else f"{table.extracted_at:%Y-%m-%d %H:%M:%S %Z}",
                    table.status,
                )
                for table in status.freshness
            ],
        )
    verdicts = [verdict for source in status.sources.values() for verdict in source.verdicts]
    if verdicts:
        console.show(
            "What the last build found in landed records",
            ["domain", "table", "column", "found", "records", "for example"],
            [
                (one.domain, one.table, one.column, one.reason, one.records, one.example)
                for one in verdicts
            ],
        )
    if status.findings:
        console.show(
            "What the last build found in the exports",
            ["domain", "found", "subjects", "rows", "most of them"],
            [
                (
                    one.domain,
                    plain(one.kind),
                    one.subjects,
                    one.rows,
                    f"{one.largest_subject}: {one.largest_rows:,}",
                )
                for one in status.findings
            ],
        )
    console.show_json(
        {
            "current": None if current is None else current.version,
            "versions": [as_json(version) for version in status.versions],
            "sources": {
                domain: {
                    "source": source.source,
                    "directory": source.directory,
                    "loaded_at": source.loaded_at,
                    "quarantined": dict(source.quarantined),
                    "verdicts": [asdict(verdict) for verdict in source.verdicts],
                }
                for domain, source in status.sources.items()
            },
            "freshness": [asdict(table) for table in status.freshness],
            "findings": [asdict(one) for one in status.findings],
            "lagging": list(status.lagging),
        }
    )


def describe(sources: Mapping[str, object]) -> str:
    """Return the sources of a version in a few words: what, from which folder, loaded when."""
    return ", ".join(
        f"{domain}: {_source(source) if isinstance(source, Mapping) else source}"
        for domain, source in sorted(sources.items())
    )


def _source(recorded: Mapping[str, object]) -> str:
    words = [str(recorded.get("source"))]
    if directory := recorded.get("directory"):
        words.append(f"of {directory}")
    if loaded := recorded.get("loaded_at"):
        words.append(f"loaded {str(loaded)[:16].replace('T', ' ')}")
    return " ".join(words)


def _reaches(sources: Mapping[str, object]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield domain, table and the days (UTC) from and to which it has data, as recorded."""
    for domain, source in sorted(sources.items()):
        reaches = source.get("reaches") if isinstance(source, Mapping) else None
        for table, times in sorted((reaches or {}).items()):
            first, last, left_out = (
                str(times[name] or "")[:10] for name in ("first_at", "last_at", "left_out_at")
            )
            yield domain, table, first, last, left_out


def tests(version: PublishedVersion) -> str:
    """Return how the tests of a version came out."""
    warned = f", {version.tests_warned} warned" if version.tests_warned else ""
    return f"{version.tests_passed} tests passed{warned}"


def _state(version: PublishedVersion) -> str:
    if version.is_current:
        return "current"
    if version.rolled_back_at is not None:
        return f"rolled back {version.rolled_back_at:%Y-%m-%d %H:%M:%S %Z}"
    return ""


def _overtaken(versions: Sequence[PublishedVersion]) -> str:
    """Say so when the current version was put back by a rollback."""
    current = next((one.version for one in versions if one.is_current), 0)
    withdrawn = sorted(one.version for one in versions if one.version > current)
    if not withdrawn:
        return ""
    return f", put back by a rollback of version {' and '.join(map(str, withdrawn))}"


def as_json(version: PublishedVersion) -> dict[str, object]:
    """Return a version as plain values."""
    return {
        "version": version.version,
        "published_at": version.published_at,
        "is_current": version.is_current,
        "rolled_back_at": version.rolled_back_at,
        "sources": dict(version.sources),
        "rows": dict(version.rows),
        "tests_passed": version.tests_passed,
        "tests_warned": version.tests_warned,
        "casebook_version": version.casebook_version,
        "invocation_id": version.invocation_id,
    }
