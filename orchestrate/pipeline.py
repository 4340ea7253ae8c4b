"""What each command does, in order: load → build → publish → render.

Every step is another package's; here is only their sequence, under the lock of one run at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestrate import loading
from orchestrate.building.dbt import Dbt
from orchestrate.building.freshness import require_fresh
from orchestrate.building.manifest import Manifest
from orchestrate.building.outcome import BuildOutcome
from orchestrate.console import Console
from orchestrate.database import Databases, open_databases
from orchestrate.erd import write_diagrams
from orchestrate.errors import ConfigurationError, DataError, LostConnectionError
from orchestrate.extracts.extract import write_extract, write_extracts
from orchestrate.extracts.formats import DEFAULT_FORMATS, Format
from orchestrate.publishing import PublishedVersion, complete
from orchestrate.publishing import publish as publish_version
from orchestrate.publishing.artifacts import BuildNote, check_last_build, read_build
from orchestrate.publishing.publisher import lagging_scopes, refuse_forgotten_file
from orchestrate.publishing.versions import record
from orchestrate.reports import render_reports
from orchestrate.reports.pages.activity import chosen_months
from orchestrate.reports.writer import require_writable
from orchestrate.retrying import Publication, once_more_when_lost
from orchestrate.rollback import Rollback, put_back
from orchestrate.run_lock import run_lock
from orchestrate.settings import Settings
from orchestrate.summary import RunSummary, connection_hints
from orchestrate.unchanged import LandedTables, made_of, remember, unchanged_version

# What the program's folder shows of the structure: its own domain, nothing of anybody else's.
PROGRAM_DIAGRAMS = ("raw_residency", "marts_residency")
# Of many failed tests, this many are told on the console; dbt's log has all.
NAMED_FAILURES = 10


def run_all(
    settings: Settings, console: Console, out_dir: Path, *, full: bool = False
) -> RunSummary:
    """Load, build, publish and render; returns what to look at.

    Where there is nothing new to build from, only renders, unless it is to be done in `full`.
    Raises DataError when a test of severity error fails: then nothing was published.
    """
    return _run_all(settings, console, out_dir, full, Publication())


@once_more_when_lost
def _run_all(
    settings: Settings, console: Console, out_dir: Path, full: bool, publication: Publication
) -> RunSummary:
    require_writable(out_dir)
    databases = open_databases(settings, console)
    with run_lock(databases) as still_alone:
        # A publication would say so, too, but after the build.
        with record(databases) as cursor:
            refuse_forgotten_file(settings, cursor)
        made = made_of(settings)
        variables = loading.variables(databases)
        dbt = Dbt(settings, databases.warehouse, console)
        found = publication.found(databases, console)
        unchanged = None if full or found else unchanged_version(settings, databases)
        version, landed = found or unchanged, None
        if version is None:
            landed = build_all(settings, databases, dbt, variables, console)
            publication.begin(
                databases, read_build(settings.target_dir, databases.warehouse.database)
            )
            version = publish_version(
                settings,
                databases,
                settings.target_dir,
                console,
                recorded_sources(databases),
                still_alone,
            )
        diagrams = settings.target_dir / "erd"
        write_diagrams(described(settings, dbt, variables), diagrams, PROGRAM_DIAGRAMS)
        pages = [
            page
            for page in render_all(settings, databases, out_dir, console, diagrams)
            if page.name == "index.html"
        ]
        # A command that began again does not know any more what its build was made of.
        if found is None:
            remember(settings, databases, made, landed, version, out_dir, pages)
    return RunSummary(
        version=version.version,
        relations=dict(sorted(version.rows.items())),
        pages=pages,
        connections=connection_hints(databases),
        changed=unchanged is None,
    )


def described(settings: Settings, dbt: Dbt, variables: Mapping[str, object]) -> Manifest:
    """Return what the last build says of the project; dbt says it again where that was deleted."""
    try:
        return Manifest.read(settings.target_dir)
    except ConfigurationError:
        return dbt.parse(variables)


def build_all(
    settings: Settings,
    databases: Databases,
    dbt: Dbt,
    variables: Mapping[str, object],
    console: Console,
) -> LandedTables:
    """Load what is new, build and test; return the landed tables as they were before that.

    Raises DataError when a test of severity error fails.
    """
    console.say("Sources: " + describe_sources(variables))
    manifest = dbt.parse(variables)
    landed = require_landed(databases, dbt, manifest, variables, console)
    loading.load_seeds(databases, manifest, variables, console)
    outcome = dbt.build(variables, manifest)
    sources = loading.domain_sources(databases)
    tell_oddities(sources, outcome, console)
    refuse_records(sources, outcome)
    require_success(outcome, settings)
    return landed


def tell_oddities(
    sources: Mapping[str, loading.DomainSource], outcome: BuildOutcome, console: Console
) -> None:
    """Warn of what a build that succeeded found odd, and where the newest does not count."""
    if outcome.succeeded:
        for source in sources.values():
            for told in (*source.verdicts, *(one for one in source.reaches if one.is_behind)):
                console.warn(f"{told}.")


def refuse_records(sources: Mapping[str, loading.DomainSource], outcome: BuildOutcome) -> None:
    """Raise DataError with the landed records that break a rule, and what failed beside them."""
    domains = {f"keeps_rules_landed_{domain}_verdicts_": domain for domain in sources}
    refused = [
        f"{verdict}."
        for failure in outcome.failures
        if failure.node in domains
        for verdict in sources[domains[failure.node]].verdicts
        if verdict.is_refused
    ]
    if refused:
        others = [str(failure) for failure in outcome.failures if failure.node not in domains]
        raise DataError(
            "Landed records were refused, nothing was published:\n  "
            + "\n  ".join([*refused, *others[:NAMED_FAILURES]]),
            "Mend them where Airbyte extracts them, sync and run again.",
        )


def roll_back(settings: Settings, console: Console, out_dir: Path) -> Rollback:
    """Put the previously published version back, then render from it what lies in `out_dir`.

    Readers of the database see the version as soon as that is said; pages and extracts follow.
    Whoever loses a connection is told to look first: run once more, this goes back by one more.
    """
    require_writable(out_dir)
    databases = open_databases(settings, console)
    try:
        with run_lock(databases, "rollback") as still_alone:
            done = put_back(settings, databases, console, still_alone)
            console.say(
                f"Readers see version {done.version} again; version {done.withdrawn} is withdrawn."
            )
            pages = render_all(settings, databases, out_dir, console)
    except LostConnectionError as error:
        raise LostConnectionError(
            error.cause,
            "`casebook status` shows which version readers see. Roll back again only if it is still"
            " the one to withdraw; otherwise run `casebook report` and `casebook extract`.",
        ) from None
    return replace(done, pages=pages)


def render_all(
    settings: Settings,
    databases: Databases,
    out_dir: Path,
    console: Console,
    diagrams: Path | None = None,
) -> list[Path]:
    """Render all pages and extracts of what is published; returns the pages."""
    return render_reports(
        settings,
        databases,
        audiences=None,
        login=None,
        out_dir=out_dir,
        console=console,
        diagrams=diagrams,
        extracts=lambda recipient, versions, folder: write_extract(
            recipient, versions, DEFAULT_FORMATS, folder
        ),
    )


def require_landed(
    databases: Databases,
    dbt: Dbt,
    manifest: Manifest,
    variables: Mapping[str, object],
    console: Console,
) -> LandedTables:
    """Return the landed tables by domain, of those domains that are built from such tables.

    Raises, before anything is built, what is wrong with them or that they are too old.
    """
    landed = {
        domain: loading.check_landed(databases, manifest, domain)
        for domain in loading.DOMAINS
        if variables[f"{domain}_source"] == loading.LANDED
    }
    if landed:
        require_fresh(dbt.freshness(variables), console)
    return landed


def publish_build(
    settings: Settings, console: Console, target_path: Path | None
) -> PublishedVersion:
    """Publish the build whose artifacts are in `target_path` (None: the runner's own)."""
    return _publish_build(settings, console, target_path, Publication())


@once_more_when_lost
def _publish_build(
    settings: Settings, console: Console, target_path: Path | None, publication: Publication
) -> PublishedVersion:
    target_dir = target_path or settings.target_dir
    databases = open_databases(settings, console)
    with run_lock(databases, "publish") as still_alone:
        if published := publication.found(databases, console):
            return published
        build = read_build(target_dir, databases.warehouse.database)
        with databases.warehouse.session() as connection, connection.cursor() as cursor:
            note = check_last_build(cursor, build, target_dir)
        refuse_newer_sources(note, loading.domain_sources(databases))
        publication.begin(databases, build)
        return publish_version(
            settings, databases, target_dir, console, recorded_sources(databases), still_alone
        )


def refuse_newer_sources(note: BuildNote, sources: Mapping[str, loading.DomainSource]) -> None:
    """Raise DataError when a build is not of what the domains are now, by choice or content.

    What the version is recorded to be made of is read from the warehouse as it is now, which would
    then not be what was built. Records that Airbyte landed after the build began are no matter: the
    build has its own copy of those that it took.
    """
    for domain, source in sources.items():
        built_from = note.sources.get(domain)
        if built_from != source.source:
            told = f"took {domain} from its {built_from}"
            raise DataError(
                f"The build {told if built_from else f'did not note what {domain} was taken from'},"
                f" but the domain is set to its {source.source}.",
                "Run `casebook run`, which builds from what is set; or choose with `casebook load"
                f" {domain}` what dbt's variable {domain}_source says, build again and publish.",
            )
        if any(table.loaded_at > note.started_at for table in source.tables):
            raise DataError(
                f"The build is of the {domain} {built_from} as it was before: it was loaded anew"
                " since the build began.",
                "Run `casebook run`, or build again and then publish.",
            )


def catch_up(databases: Databases, console: Console, command: str) -> None:
    """Let every scope show what was decided last, where a command was cut off before that."""
    if lagging_scopes(databases):
        with run_lock(databases, command):
            complete(databases, console)


@once_more_when_lost
def render(
    settings: Settings,
    console: Console,
    audiences: Sequence[str] | None,
    login: str | None,
    out_dir: Path,
    from_month: str = "",
    to_month: str = "",
) -> list[Path]:
    """Render reports from what is published; returns every page written.

    Pages of choices open on the months given as YYYY-MM, empty: on all of them. Raises
    ConfigurationError for anything else.
    """
    opening = chosen_months(from_month, to_month)
    databases = open_databases(settings, console)
    catch_up(databases, console, "report")
    return render_reports(
        settings,
        databases,
        audiences=audiences,
        login=login,
        out_dir=out_dir,
        console=console,
        opening=opening,
    )


@once_more_when_lost
def extract(
    settings: Settings,
    console: Console,
    audiences: Sequence[str] | None,
    login: str | None,
    formats: Sequence[Format],
    out_dir: Path,
) -> list[Path]:
    """Write the extracts of what is published; returns every file written."""
    databases = open_databases(settings, console)
    catch_up(databases, console, "extract")
    return write_extracts(
        databases,
        audiences=audiences,
        login=login,
        formats=formats,
        out_dir=out_dir,
        console=console,
    )


@once_more_when_lost
def draw_diagrams(settings: Settings, console: Console, out_dir: Path) -> list[Path]:
    """Write the diagrams of the project as it is; returns the files."""
    databases = open_databases(settings, console)
    with run_lock(databases, "erd"):
        manifest = Dbt(settings, databases.warehouse, console).parse(loading.variables(databases))
        return write_diagrams(manifest, out_dir)


def recorded_sources(databases: Databases) -> dict[str, object]:
    """Return what a version is recorded to be made of: per domain its source and what it held."""
    return {
        domain: {
            "source": source.source,
            "directory": None if source.directory is None else str(source.directory),
            "loaded_at": None if source.loaded_at is None else source.loaded_at.isoformat(),
            "rows": source.rows,
            "quarantined": dict(source.quarantined),
            "reaches": {reach.table: reach.as_json() for reach in source.reaches},
        }
        for domain, source in loading.domain_sources(databases).items()
    }


def describe_sources(variables: Mapping[str, object]) -> str:
    """Return which source each domain is built from, for people."""
    return ", ".join(
        f"{name.removesuffix('_source')} from its {value}"
        for name, value in sorted(variables.items())
        if name.endswith("_source")
    )


def require_success(outcome: BuildOutcome, settings: Settings) -> None:
    """Raise DataError with the first failures when a build did not pass."""
    if outcome.succeeded:
        return
    named = [str(failure) for failure in outcome.failures[:NAMED_FAILURES]]
    more = len(outcome.failures) - len(named)
    if more > 0:
        named.append(f"and {more} more")
    raise DataError(
        "The build did not pass, nothing was published:\n  " + "\n  ".join(named),
        f"Mend the data or the model that each is about and run again. "
        f"All of it is in {settings.log_dir / 'dbt.log'}.",
    )
