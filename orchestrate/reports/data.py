"""What a page shows, read from the reporting database in one snapshot over its reader's login."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pandas as pd
import psycopg2
from psycopg2 import errors, sql
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from orchestrate.contracts.marts import VERSION_COLUMN
from orchestrate.database.connection import refusal
from orchestrate.driver import Connection, Cursor
from orchestrate.errors import ConfigurationError, DatabaseError
from orchestrate.reports.edition import Coverage, Edition
from orchestrate.reports.rows import records


@dataclass(frozen=True)
class Relation:
    """A published relation and how a report orders it."""

    schema: str
    name: str
    order_by: tuple[str, ...]

    @property
    def label(self) -> str:
        """The name that SQL knows it by, `schema.name`."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class ResidencyData:
    """The relations of schema `residency` as one login sees them; columns as the marts have them.

    Values are the database's own (int, Decimal, str, bool, None), so that nothing is rounded.
    `codes` is None for a resident, who may not read what codes would change for everybody.
    """

    totals: pd.DataFrame
    percentages: pd.DataFrame
    status: pd.DataFrame
    progress: pd.DataFrame
    group_progress: pd.DataFrame
    rvu: pd.DataFrame
    sites: pd.DataFrame
    best_site: pd.DataFrame
    findings: pd.DataFrame
    codes: pd.DataFrame | None = None
    edition: Edition = field(default_factory=Edition)


@dataclass(frozen=True)
class ClientData:
    """What a client's page of procedures shows, as one login sees it, as the marts have it."""

    procedures: pd.DataFrame
    top_patients: pd.DataFrame
    top_overlap: pd.DataFrame
    edition: Edition = field(default_factory=Edition)


_RESIDENCY = {
    "totals": Relation("residency", "case_log_totals", ("resident_name",)),
    "percentages": Relation("residency", "case_log_percentages", ("resident_name",)),
    "status": Relation("residency", "case_log_status", ("resident_name",)),
    "progress": Relation("residency", "case_log_progress", ("resident_name", "category_id")),
    "group_progress": Relation("residency", "case_log_group_progress", ("category_id",)),
    "rvu": Relation("residency", "rvu_by_requirement", ("resident_name",)),
    "sites": Relation("residency", "site_requirement_ratio", ("organization_code",)),
    "best_site": Relation("residency", "best_site_category_ratio", ("category_id",)),
    "findings": Relation("residency", "data_findings", ("finding", "subject", "finding_id")),
}
_CODES = {"codes": Relation("residency", "code_review", ("cpt_code",))}
_CLIENT = (
    Relation("clients", "procedure_summary", ("cost_rank",)),
    Relation("clients", "top_procedure_patients", ("top_rank", "patient_group")),
    Relation("clients", "top_procedure_overlap", ("shared_procedures", "patient_group")),
)


def read_residency(database: Connection, *, own_rows_only: bool = False) -> ResidencyData:
    """Read every relation that the program's pages show, all of one version.

    With `own_rows_only` those that a resident's pages show. Raises ConfigurationError when nothing
    is published, DatabaseError when the database refuses.
    """
    relations = _RESIDENCY if own_rows_only else _RESIDENCY | _CODES
    frames, edition = read_edition(database, "residency", list(relations.values()))
    return ResidencyData(**dict(zip(relations, frames, strict=True)), edition=edition)


def read_client(database: Connection) -> ClientData:
    """Read the relations that a client's pages show, all of one version.

    Raises ConfigurationError when nothing is published, DatabaseError when the database refuses.
    """
    (procedures, patients, overlap), edition = read_edition(database, "clients", _CLIENT)
    return ClientData(procedures, patients, overlap, edition)


def read_edition(
    database: Connection, schema: str, relations: Sequence[Relation]
) -> tuple[list[pd.DataFrame], Edition]:
    """Read relations of a schema as their contracts show them, and of which version they are.

    Raises what `snapshot` raises.
    """
    frames = read_snapshot(database, [*relations, _coverage_of(schema)])
    version = only_version(frames)
    *shown, covered = map(without_version, frames)
    return shown, Edition(version, coverage=_coverage(schema, covered))


def read_coverage(cursor: Cursor, schema: str) -> Coverage | None:
    """Read what the rows of a schema cover; None in a version that does not say."""
    return _coverage(schema, _read(cursor, _coverage_of(schema)))


def _coverage_of(schema: str) -> Relation:
    return Relation(schema, "coverage", ("source",))


def _coverage(schema: str, covered: pd.DataFrame) -> Coverage | None:
    for row in records(covered):
        if schema == "residency":
            first, last = row["first_finalized_at"], row["last_finalized_at"]
            return Coverage(schema, row["source"], first and first.date(), last and last.date())
        first, last = row["first_encounter_on"], row["last_encounter_on"]
        return Coverage(schema, row["source"], first, last, row["date_precision"])
    return None


def read_snapshot(database: Connection, relations: Sequence[Relation]) -> list[pd.DataFrame]:
    """Read relations at one moment (see `snapshot`), rows ordered as each says."""
    with snapshot(database) as cursor:
        return [_read(cursor, relation) for relation in relations]


@contextmanager
def snapshot(database: Connection) -> Iterator[Cursor]:
    """Open one repeatable-read, read-only transaction; times are in UTC.

    A version published meanwhile therefore shows in all that is read or in none of it. Raises
    ConfigurationError when nothing is published, DatabaseError when the database refuses.
    """
    database.set_session(
        isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True, autocommit=False
    )
    try:
        with database, database.cursor() as cursor:
            cursor.execute("set local time zone 'UTC'")
            yield cursor
    except (errors.UndefinedTable, errors.InvalidSchemaName) as problem:
        raise ConfigurationError(
            f"Nothing is published to report on: {_first_line(problem)}.",
            "Run `casebook run` first.",
        ) from problem
    except errors.InsufficientPrivilege as problem:
        raise DatabaseError(
            f"The login may not read what its report shows: {_first_line(problem)}.",
            "Publish again, so that privileges are set as declared: `casebook publish`.",
        ) from problem
    except psycopg2.Error as problem:
        raise refusal("The reporting database refused to be read", problem) from problem


def without_version(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the relation as its contract shows it: the version is the same on every row."""
    return frame.drop(columns=[name for name in (VERSION_COLUMN,) if name in frame.columns])


def _read(cursor: Cursor, relation: Relation) -> pd.DataFrame:
    cursor.execute(
        sql.SQL("select * from {}").format(sql.Identifier(relation.schema, relation.name))
    )
    names = [column.name for column in cursor.description or ()]
    frame = pd.DataFrame(cursor.fetchall(), columns=names, dtype=object)
    # Ordered here and not by the server, whose collation differs from installation to installation.
    return frame.sort_values(list(relation.order_by), kind="stable", ignore_index=True)


def only_version(frames: Sequence[pd.DataFrame]) -> int | None:
    """Return the version of all rows, None when there are none."""
    versions = {
        int(version)
        for frame in frames
        if "version" in frame.columns
        for version in frame["version"].unique()
    }
    if len(versions) > 1:
        raise DatabaseError(
            f"One read of the reporting database showed versions {sorted(versions)} at once.",
            "This must not happen: run `casebook doctor`, which checks the policies.",
        )
    return versions.pop() if versions else None


def _first_line(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0].rstrip(".") if str(problem).strip() else "no reason"
