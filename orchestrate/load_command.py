"""`casebook load`: which source a domain uses from the next run on.

Apart from the pipeline, because a load, of files of any size, takes little memory: it needs nothing
that draws, renders or writes spreadsheets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrate import loading
from orchestrate.building.dbt import Dbt
from orchestrate.console import Console
from orchestrate.database import open_databases
from orchestrate.loading import Problems
from orchestrate.publishing import complete
from orchestrate.retrying import once_more_when_lost
from orchestrate.run_lock import run_lock
from orchestrate.settings import Settings


@dataclass(frozen=True)
class LoadSummary:
    """What a load took: the domain's source, and what became of each file of an export.

    `landed` are the tables of Airbyte, with their records, instead of files; `refused` says why an
    export was not taken (`source` None).
    """

    domain: str
    source: str | None
    limit: float | None = None
    report: loading.LoadReport | None = None
    landed: Sequence[loading.LandedTable] = ()
    refused: Problems | None = None

    @property
    def file_rows(self) -> list[tuple[str, int, int, int]]:
        """Per file: rows, equal rows among them, rows that were set aside."""
        if self.report is None:
            return []
        aside = self.report.quarantined
        return [
            (file.name, file.rows, file.equal_rows, aside.get(file.name, 0))
            for file in self.report.files
        ]

    def as_json(self) -> dict[str, object]:
        """Return the summary as plain values."""
        report = self.report
        problems = self.refused or (report.problems if report else Problems())
        quarantined = report.quarantined if report else {}
        return {
            "domain": self.domain,
            "source": self.source,
            "changed": report.changed if report else self.refused is None,
            "files": [
                {"file": file, "rows": rows, "equal_rows": equal, "quarantined": aside}
                for file, rows, equal, aside in self.file_rows
            ],
            "landed": [
                {"table": table.name, "records": table.rows, "extracted_at": table.extracted_at}
                for table in self.landed
            ],
            "problems": problems.as_json(),
            "warnings": [one.as_json() for one in report.warnings] if report else [],
            "quarantine": {
                "percent": self.limit,
                "rows": sum(quarantined.values()),
                "table": loading.QUARANTINE,
            },
        }


@once_more_when_lost
def load_domain(
    settings: Settings,
    console: Console,
    domain: str,
    directory: Path | None,
    limit: float | None = None,
) -> LoadSummary:
    """Take the export in `directory` as the domain's source; None: go back to the sample.

    `limit`: percent of the rows of a file that may be set aside; None: one bad row refuses all.
    """
    databases = open_databases(settings, console)
    with run_lock(databases, f"load {domain}"):
        complete(databases, console)
        if directory is None:
            loading.use_sample(databases, domain)
            return LoadSummary(domain, "sample")
        variables = loading.variables(databases)
        manifest = Dbt(settings, databases.warehouse, console).parse(variables)
        report = loading.load_export(
            databases,
            manifest,
            domain,
            directory,
            variables,
            console,
            settings.problems_dir,
            limit,
        )
    return LoadSummary(domain, f"export of {directory}", limit, report)


@once_more_when_lost
def use_landed(settings: Settings, console: Console, domain: str) -> LoadSummary:
    """Take the tables that Airbyte landed as the domain's source, when all of them will do."""
    databases = open_databases(settings, console)
    with run_lock(databases, f"load {domain}"):
        complete(databases, console)
        variables = {**loading.variables(databases), f"{domain}_source": loading.LANDED}
        manifest = Dbt(settings, databases.warehouse, console).parse(variables)
        tables = loading.use_landed(databases, manifest, domain)
    return LoadSummary(domain, "tables landed by Airbyte", landed=tables)
