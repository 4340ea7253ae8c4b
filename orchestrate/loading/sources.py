"""Which source each domain uses: the shipped sample, an export that was loaded, landed tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path

import yaml

from orchestrate.database import Databases
from orchestrate.errors import ConfigurationError
from orchestrate.loading import state
from orchestrate.loading.landed import LandedTable, Verdict, built_tables, read_verdicts
from orchestrate.loading.quarantine import quarantined
from orchestrate.loading.reach import TableReach, read_reaches
from orchestrate.loading.state import EXPORT, LANDED, SAMPLE
from orchestrate.loading.tables import LoadedTable
from orchestrate.settings import PROJECT_DIR

DOMAINS = ("residency", "advocacy")


@dataclass(frozen=True)
class DomainSource:
    """What a domain is built from: `source` is `sample`, `export` or `landed`.

    `directory` and `loaded_at` are those of the export, None for the sample; `tables` the raw
    tables of that source as they were loaded, none before the first load; `quarantined` how many
    rows of the export were set aside, by file. Of landed tables `landed` is what the last build
    took, `loaded_at` when Airbyte extracted the last of that, and `verdicts` what the build found
    wrong or odd in it. `reaches` says how far the records reached that the last build counted,
    whatever its source was.
    """

    domain: str
    source: str
    directory: Path | None
    loaded_at: datetime | None
    tables: tuple[LoadedTable, ...]
    landed: tuple[LandedTable, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    quarantined: Mapping[str, int] = field(default_factory=dict)
    reaches: tuple[TableReach, ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        """Rows by file, or by landed table."""
        files = {table.name: table.rows for table in self.tables}
        return files | {table.name: table.rows for table in self.landed}


def check_domain(domain: str) -> None:
    """Raise ConfigurationError for a domain that Casebook does not know."""
    if domain not in DOMAINS:
        raise ConfigurationError(f"There is no domain {domain!r}.", f"Use {' or '.join(DOMAINS)}.")


def domain_sources(databases: Databases) -> dict[str, DomainSource]:
    """Return what each domain is built from, by domain."""
    with databases.warehouse.session() as connection:
        choices = state.read_choices(connection)
        held = state.held_tables(connection)
        landed = {
            domain: (built_tables(connection, domain), read_verdicts(connection, domain))
            for domain, choice in choices.items()
            if choice.source == LANDED
        }
        aside = {domain: quarantined(connection, domain) for domain in DOMAINS}
        reaches = {domain: read_reaches(connection, domain) for domain in DOMAINS}
    sources = {}
    for domain in DOMAINS:
        choice = choices.get(domain, state.Choice(SAMPLE, None, None))
        is_export = choice.source == EXPORT
        taken, verdicts = landed.get(domain, ((), ()))
        extracted = [table.extracted_at for table in taken if table.extracted_at is not None]
        sources[domain] = DomainSource(
            domain=domain,
            source=choice.source,
            directory=choice.directory if is_export else None,
            loaded_at=choice.loaded_at if is_export else max(extracted, default=None),
            tables=tuple(
                table
                for (schema, _), (_, table) in sorted(held.items())
                if schema == f"{choice.source}_{domain}"
            ),
            landed=taken,
            verdicts=verdicts,
            quarantined=aside[domain] if is_export else {},
            reaches=reaches[domain],
        )
    return sources


def variables(databases: Databases) -> dict[str, object]:
    """Return the dbt variables that make a build read each domain's source."""
    return {
        f"{domain}_source": source.source for domain, source in domain_sources(databases).items()
    }


def use_sample(databases: Databases, domain: str) -> None:
    """Let a domain be built from the shipped sample again; its other sources stay as they are."""
    check_domain(domain)
    with state.raw_transaction(databases.warehouse) as connection:
        state.choose_source(connection, domain, SAMPLE)


def time_zone(domain: str, given: Mapping[str, object]) -> str:
    """Return the zone in which a domain's timestamps without a zone were written, by default UTC.

    It is dbt's variable `source_time_zone`: from `given`, else from dbt_project.yml.
    """
    return _setting("source_time_zone", domain, "UTC", given)


def date_order(domain: str, given: Mapping[str, object]) -> str:
    """Return whether 1/2/2019 is in January (MDY, the default) or in February (DMY) in a domain.

    It is dbt's variable `source_date_order`. Raises ConfigurationError for another value.
    """
    order = _setting("source_date_order", domain, "MDY", given)
    if order not in {"MDY", "DMY"}:
        raise ConfigurationError(
            f"source_date_order {order!r} is not an order of dates.",
            "Write MDY or DMY in dbt_project.yml.",
        )
    return order


def _setting(name: str, domain: str, default: str, given: Mapping[str, object]) -> str:
    by_domain = given.get(name) or _project_variables().get(name)
    return str(by_domain.get(domain, default)) if isinstance(by_domain, Mapping) else default


@cache
def _project_variables() -> Mapping[str, object]:
    # Reading it takes longer than a small load.
    project = yaml.safe_load((PROJECT_DIR / "dbt_project.yml").read_text(encoding="utf-8"))
    variables: Mapping[str, object] = project.get("vars") or {}
    return variables
