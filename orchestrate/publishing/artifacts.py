"""What dbt left behind of a build: whether it is complete, of one piece, and passed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestrate.building.pseudonyms import DEVELOPMENT_KEY_ID, SETTING
from orchestrate.errors import ConfigurationError, DataError
from orchestrate.publishing.gate import check_gate

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrate.driver import Cursor

_BUILD_AGAIN: Final = "Run `dbt build` (or `casebook run`) to its end, then publish."
_BUILT: Final = frozenset({"success"})
_TESTED: Final = frozenset({"pass", "warn"})
# A limit to what one message names; the rest is counted.
_NAMED: Final = 5


@dataclass(frozen=True)
class Build:
    """A complete and passing build, as its artifacts tell.

    `tests_passed` and `tests_warned` count data tests and unit tests.
    """

    manifest: Mapping[str, Any]
    invocation_id: str
    tests_passed: int
    tests_warned: int

    def source_relation(self, model: str) -> tuple[str, str] | None:
        """Return schema and name of a model in the warehouse, None when there is no such model."""
        for node in self.manifest["nodes"].values():
            if node["resource_type"] == "model" and node["name"] == model:
                return _place(node)
        return None

    @property
    def relations(self) -> list[tuple[str, str]]:
        """Schemas and names of all models, as far as these are relations."""
        return sorted(
            _place(node)
            for node in self.manifest["nodes"].values()
            if node["resource_type"] == "model" and node["config"].get("enabled", True)
        )


@dataclass(frozen=True)
class BuildNote:
    """What the build noted of itself when it began.

    `sources` says by domain what it was told to read: a note of an earlier release not of all.
    `key_id` tells which key its pseudonyms were made with.
    """

    invocation_id: str
    started_at: datetime
    sources: Mapping[str, str]
    key_id: str | None


def read_build(target_dir: Path, database: str) -> Build:
    """Read manifest.json and run_results.json of dbt's target folder, and check that they agree.

    `database` is the warehouse; what dbt built and tested in another one says nothing about it.
    Every enabled model, function, snapshot, data test and unit test of the manifest needs a
    passing result of the same `dbt build`; seeds need none, and unit tests none where the build
    left out all of them. The tests of the gate may not be missing, nor warn. Raises
    ConfigurationError when a file is missing or unreadable and DataError when the build was
    partial, failed or is of another project.
    """
    manifest = _read(target_dir / "manifest.json")
    results = _read(target_dir / "run_results.json")
    _check_origin(manifest, results, target_dir)
    _check_database(manifest, database, target_dir)
    status = {result["unique_id"]: str(result["status"]) for result in results["results"]}
    missing, failed, warned, passed = [], [], 0, 0
    excluded = frozenset(results.get("args", {}).get("exclude_resource_types") or ())
    for unique_id, accepted in _required(manifest, excluded):
        found = status.get(unique_id)
        if found is None:
            missing.append(unique_id)
        elif found not in accepted:
            failed.append(f"{unique_id} ({found})")
        elif accepted is _TESTED:
            warned += found == "warn"
            passed += found == "pass"
    failed += sorted(
        f"{unique_id} ({found})"
        for unique_id, found in status.items()
        if found in {"error", "fail", "runtime error"} and f"{unique_id} ({found})" not in failed
    )
    if failed:
        raise DataError(
            f"The build of {target_dir} did not pass: {_name(failed)}. Nothing was published.",
            "Mend the data or the model that the test is about, build again, then publish.",
        )
    if missing:
        raise DataError(
            f"The build of {target_dir} is not complete, without a result: {_name(missing)}.",
            _BUILD_AGAIN,
        )
    check_gate(manifest, status)
    return Build(
        manifest=manifest,
        invocation_id=str(manifest["metadata"]["invocation_id"]),
        tests_passed=passed,
        tests_warned=warned,
    )


def check_last_build(source: Cursor, build: Build, target_dir: Path) -> BuildNote:
    """Check that nothing wrote to the warehouse after this build; return what it noted of itself.

    Run results tell about the tables that they tested, not about what a later `dbt run` or a failed
    build put in their place. `source` is on the warehouse, in the snapshot that will be copied.
    Raises DataError, also for data that is not the sample under pseudonyms of the development key.
    """
    found = read_last_build(source)
    if found is None or found.invocation_id != build.invocation_id:
        raise DataError(
            f"The warehouse does not hold the build of {target_dir}: another dbt invocation has"
            " written there since, a version was rolled back, or the build was in another"
            " warehouse.",
            _BUILD_AGAIN,
        )
    _refuse_development_key(found)
    return found


def read_last_build(warehouse: Cursor) -> BuildNote | None:
    """Read what the last build noted of itself; None when there was none, or it was withdrawn."""
    warehouse.execute("select to_regclass('casebook.last_build') is not null")
    if warehouse.fetchone() != (True,):
        return None
    # By way of JSON, so that a note of an earlier release, with fewer columns, can be read too.
    warehouse.execute(
        "select invocation_id, started_at, to_jsonb(last_build) ->> 'residency_source',"
        " to_jsonb(last_build) ->> 'advocacy_source', to_jsonb(last_build) ->> 'pseudonym_key_id'"
        " from casebook.last_build"
    )
    found = warehouse.fetchone()
    if found is None:
        return None
    invocation_id, started_at, residency, advocacy, key_id = found
    noted = {"residency": residency, "advocacy": advocacy}
    sources = {domain: source for domain, source in noted.items() if source}
    return BuildNote(invocation_id, started_at, sources, key_id)


def disown_last_build(warehouse: Cursor) -> None:
    """Let no build that has begun so far be published, whoever still works on it.

    A rollback does this: what it withdraws would otherwise be back with the next `casebook
    publish`.
    """
    warehouse.execute("select to_regclass('casebook.last_build') is not null")
    if warehouse.fetchone() == (True,):
        warehouse.execute("delete from casebook.last_build")


def _refuse_development_key(noted: BuildNote) -> None:
    """Raise DataError when pseudonyms of real patients were made without a secret.

    The development key is in the project, for everybody to read: who knows an identifier could
    tell its pseudonym.
    """
    advocacy = noted.sources.get("advocacy")
    if advocacy == "sample" or noted.key_id not in (None, DEVELOPMENT_KEY_ID):
        return
    raise DataError(
        f"The marts were built from the advocacy {advocacy or 'data'} with the development"
        " key, which is no secret: their pseudonyms could be traced back to patients.",
        "Build with `casebook run`; or give dbt the key of this installation,"
        f' PGOPTIONS="-c {SETTING}=$(cat .casebook/secrets/pseudonym.key)", build again, then'
        " publish.",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"There is no {path}.", _BUILD_AGAIN) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.", _BUILD_AGAIN) from None
    expected = "results" if path.name == "run_results.json" else "nodes"
    if not isinstance(content, dict) or expected not in content or "metadata" not in content:
        raise ConfigurationError(f"{path} is not what dbt writes under that name.", _BUILD_AGAIN)
    return content


def _check_origin(
    manifest: Mapping[str, Any], results: Mapping[str, Any], target_dir: Path
) -> None:
    arguments = results.get("args", {})
    if arguments.get("which") != "build":
        raise DataError(
            f"{target_dir}/run_results.json is of `dbt {arguments.get('which', '?')}`, "
            "which does not build and test everything.",
            _BUILD_AGAIN,
        )
    if arguments.get("empty") or arguments.get("sample"):
        raise DataError(
            f"The build of {target_dir} used --empty or --sample: its marts are not whole.",
            _BUILD_AGAIN,
        )
    ours, theirs = manifest["metadata"], results["metadata"]
    if ours.get("invocation_id") != theirs.get("invocation_id"):
        raise DataError(
            f"manifest.json and run_results.json of {target_dir} are of different dbt invocations.",
            _BUILD_AGAIN,
        )
    project = ours.get("project_name")
    if project != "casebook":
        raise DataError(
            f"The build of {target_dir} is of the dbt project '{project}', not of 'casebook'.",
            "Name the target folder of this project with --target-path.",
        )


def _check_database(manifest: Mapping[str, Any], database: str, target_dir: Path) -> None:
    """Refuse what dbt built in another PostgreSQL database; other engines name theirs freely."""
    if manifest["metadata"].get("adapter_type", "postgres") != "postgres":
        return
    elsewhere = {
        node["database"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["database"] != database
    }
    if elsewhere:
        raise DataError(
            f"The build of {target_dir} is of the database {', '.join(sorted(elsewhere))},"
            f" but the warehouse is {database}.",
            "Build in the warehouse, or let CASEBOOK_DATABASE_URL name the database of the build.",
        )


def _required(
    manifest: Mapping[str, Any], excluded: Collection[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what needs a result and the statuses that are good enough.

    A build may leave out unit tests: they try SQL on rows of their own, and say nothing of data.
    The tests of a disabled model stay among the nodes, disabled.
    """
    for unique_id, node in manifest["nodes"].items():
        kind = node["resource_type"]
        if not node["config"].get("enabled", True):
            continue
        if kind == "test":
            yield unique_id, _TESTED
        elif kind == "snapshot" or (
            kind == "model" and node["config"].get("materialized") != "ephemeral"
        ):
            yield unique_id, _BUILT
    for unique_id in manifest.get("unit_tests", {}) if "unit_test" not in excluded else ():
        yield unique_id, _TESTED
    for unique_id in manifest.get("functions", {}):
        yield unique_id, _BUILT


def _place(node: Mapping[str, Any]) -> tuple[str, str]:
    return node["schema"], node.get("alias") or node["name"]


def _name(items: list[str]) -> str:
    more = len(items) - _NAMED
    named = ", ".join(sorted(items)[:_NAMED])
    return f"{named} and {more} more" if more > 0 else named
