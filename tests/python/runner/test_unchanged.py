"""A run that could only publish the same again says so and does nothing; in doubt it runs."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import scoped
import servers

from orchestrate import pipeline
from orchestrate.cli import invoke
from orchestrate.console import Console
from orchestrate.errors import ConfigurationError, DataError
from orchestrate.publishing import published_versions
from orchestrate.settings import PROJECT_DIR, Settings
from orchestrate.unchanged import made_of, unchanged_run, unchanged_version
from tests.python.conftest import Casebook, own_copy

# What a run without a build takes at most, on a machine with other work; a build takes a minute.
MOST_SECONDS = 20


@pytest.fixture(scope="module")
def settled(published: Casebook) -> Iterator[Casebook]:
    """Return a Casebook of one's own whose last run was the one before."""
    with own_copy(published) as copy:
        copy.run()
        yield copy


@pytest.fixture(scope="module")
def version(settled: Casebook) -> int:
    """Return its version: where the copy's server has another address, that was a run in full."""
    return next(one.version for one in published_versions(settled.databases) if one.is_current)


def seen(casebook: Casebook) -> dict[Path, int]:
    """Return when each file of the output was written."""
    return {path: path.stat().st_mtime_ns for path in casebook.output_dir.rglob("*")}


@pytest.mark.slow
def test_a_second_run_says_that_nothing_has_changed_and_writes_nothing(
    settled: Casebook, version: int
) -> None:
    before, published = seen(settled), published_versions(settled.databases)
    started = time.monotonic()
    done = settled.command("run", "--out", str(settled.output_dir))
    assert time.monotonic() - started < MOST_SECONDS
    assert done.stdout.startswith(f"Nothing has changed since version {version} was published")
    assert "casebook run --full" in done.stdout
    assert f"{settled.output_dir}/program/index.html" in done.stdout
    assert done.stderr == ""
    told = settled.run()
    current = published[0]
    assert (told["changed"], told["version"]) == (False, current.version)
    assert told["relations"] == dict(current.rows)
    assert len(list(told["pages"])) == len(list(settled.output_dir.glob("*/index.html")))
    assert seen(settled) == before
    assert published_versions(settled.databases) == published


@pytest.mark.slow
def test_pages_that_are_missing_are_rendered_without_a_build(
    settled: Casebook, version: int, tmp_path: Path
) -> None:
    """In another folder all of them are, and in the last one that which somebody deleted."""
    pages = {path.relative_to(settled.output_dir) for path in settled.output_dir.glob("*/*.html")}
    page, another = settled.output_dir / "program" / "index.html", tmp_path / "another"

    def unchanged(folder: Path) -> bool:
        console = Console(error_stream=io.StringIO())
        return unchanged_run(settled.settings, console, folder) is not None

    assert unchanged(settled.output_dir)
    assert not unchanged(another)
    page.unlink()
    assert not unchanged(settled.output_dir)
    done = settled.command("run", "--out", str(another))
    assert "Rendering" in done.stderr
    assert "Building" not in done.stderr
    assert f"Nothing has changed since version {version} was published" in done.stdout
    assert {path.relative_to(another) for path in another.glob("*/*.html")} == pages
    told = settled.run()
    assert (told["changed"], told["version"]) == (False, version)
    assert page.is_file()
    before = seen(settled)
    settled.run()
    assert seen(settled) == before


@pytest.mark.slow
def test_in_full_it_is_built_although_nothing_has_changed(
    settled: Casebook, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(*_: object) -> None:
        raise DataError("It was built.", "Do nothing.")

    monkeypatch.setattr(pipeline, "build_all", build)
    for name, value in servers.variables(settled.home).items():
        monkeypatch.setenv(name, value)
    run = ["run", "--out", str(settled.output_dir)]
    assert invoke(run) == 0
    assert invoke([*run, "--full"]) == 1
    assert "It was built." in capsys.readouterr().err


@pytest.mark.slow
def test_pages_are_rendered_although_what_dbt_wrote_was_deleted(
    settled: Casebook, version: int
) -> None:
    page = settled.output_dir / "program" / "index.html"
    page.unlink()
    shutil.rmtree(settled.settings.target_dir)
    done = settled.command("run", "--out", str(settled.output_dir), "--json")
    assert "Building" not in done.stderr
    told = json.loads(done.stdout)
    assert (told["changed"], told["version"]) == (False, version)
    assert page.is_file()
    assert (page.parent / "erd" / "raw_residency.svg").is_file()


MODALITIES = "sample_residency.modalities"
# Statements of the builder in the warehouse: what changes, and what puts it back.
IN_WAREHOUSE = {
    "a raw table that is gone": (
        f"alter table {MODALITIES} rename to gone",
        "alter table sample_residency.gone rename to modalities",
    ),
    "a domain's source": (
        "insert into casebook.sources (domain, source) values ('residency', 'export')",
        "delete from casebook.sources",
    ),
    "another build": (
        "update casebook.last_build set invocation_id = 'x' || invocation_id",
        "update casebook.last_build set invocation_id = substr(invocation_id, 2)",
    ),
    "a decision that is not carried out": (
        "update casebook.pointer set is_carried_out = false",
        "update casebook.pointer set is_carried_out = true",
    ),
    "a version that something else published": (
        "update casebook.versions set invocation_id = 'x' || invocation_id",
        "update casebook.versions set invocation_id = substr(invocation_id, 2)",
    ),
    "a login that somebody may not be": (
        "grant casebook_staff to program_director",
        "revoke casebook_staff from program_director",
    ),
}
# Statements of the owner in the program's database.
IN_SCOPE = {
    "a version that is not whole": (
        "update private.versions set version = version + 1000",
        "update private.versions set version = version - 1000",
    ),
    "a right that readers lack": (
        "revoke usage on schema residency from casebook_program",
        "grant usage on schema residency to casebook_program",
    ),
}


def version_of(casebook: Casebook) -> int | None:
    """Return the version that a run would only publish again, if there is one."""
    found = unchanged_version(casebook.settings, casebook.databases)
    return found and found.version


@pytest.mark.slow
@pytest.mark.parametrize("what", [*IN_WAREHOUSE, *IN_SCOPE])
def test_what_has_changed_in_a_database_is_noticed(
    settled: Casebook, version: int, what: str
) -> None:
    databases = settled.databases
    if what in IN_WAREHOUSE:
        target, before = databases.warehouse, ()
    else:
        target = scoped.place_of(databases, "program_director").as_publisher()
        before = ("set role casebook_owner",)
    change, back = {**IN_WAREHOUSE, **IN_SCOPE}[what]
    assert version_of(settled) == version
    scoped.rows(target, change, *before)
    try:
        assert version_of(settled) is None
    finally:
        scoped.rows(target, back, *before)
    assert version_of(settled) == version


@pytest.mark.slow
def test_a_row_of_a_raw_table_that_other_hands_changed_is_noticed(
    settled: Casebook, version: int
) -> None:
    note = settled.home / "last-run.json"
    assert version_of(settled) == version
    scoped.rows(settled.databases.warehouse, f"update {MODALITIES} set id = id where id = '1'")
    assert version_of(settled) is None
    # The server counts on; the row is as it was.
    noted = json.loads(note.read_text(encoding="utf-8"))
    note.write_text(json.dumps({**noted, "written": noted["written"] + 1}), encoding="utf-8")
    assert version_of(settled) == version


@pytest.mark.slow
def test_a_note_that_cannot_be_read_tells_nothing(settled: Casebook, version: int) -> None:
    note = settled.home / "last-run.json"
    text = note.read_text(encoding="utf-8")
    note.write_text(text[:-20], encoding="utf-8")
    assert version_of(settled) is None
    note.write_text(text, encoding="utf-8")
    assert version_of(settled) == version


def test_every_kind_of_file_counts_and_so_do_members_servers_and_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    shutil.copytree(
        PROJECT_DIR,
        project,
        ignore=shutil.ignore_patterns(".git", ".venv", ".casebook", "output", ".*_cache"),
    )
    here = Settings.from_environment({"CASEBOOK_HOME": str(tmp_path / "home")})
    settings = replace(here, project_dir=project)
    before = made_of(settings)
    assert before == made_of(here)
    for name in (
        "dbt_project.yml",
        "seeds/residency/residency__studies.csv",
        "seeds/reference/members.csv",
        "models/marts/residency/fct_studies.sql",
        "models/marts/residency/fct_studies.yml",
        "macros/builds/record_build.sql",
        "functions/patients_helped.sql",
        "orchestrate/pipeline.py",
        "tests/publish_gate/assert_no_identifier_is_shown.sql",
        *(str(path.relative_to(project)) for path in _one_of_each_kind(project / "orchestrate")),
    ):
        file = project / name
        content = file.read_bytes()
        file.write_bytes(content + b"\n")
        assert made_of(settings) != before, name
        file.write_bytes(content)
    members = tmp_path / "members.csv"
    with pytest.raises(ConfigurationError, match=r"members\.csv cannot be read"):
        made_of(replace(settings, members_file=members))
    header = "login,audience,client_id,specialty_id,resident_name\n"
    for text in (header, f"{header}somebody,staff,,,\n"):
        members.write_text(text, encoding="utf-8")
        listed = made_of(replace(settings, members_file=members))
        assert listed != before
        before, settings = listed, replace(settings, members_file=members)
    changed: list[Settings] = [
        replace(settings, database_url="postgresql://builder@elsewhere/warehouse"),
        replace(settings, reporting_url="postgresql://builder@elsewhere/reporting"),
        replace(settings, scope_urls={"staff": "postgresql://builder@elsewhere/reporting"}),
    ]
    assert before not in map(made_of, changed)
    monkeypatch.setenv("DBT_FULL_REFRESH", "true")
    assert made_of(settings) != before


def _one_of_each_kind(folder: Path) -> Iterator[Path]:
    """Yield a file of each suffix that the runner's packages hold beside Python."""
    found = {path.suffix: path for path in sorted(folder.rglob("*.*")) if path.is_file()}
    assert len(found) > 3
    yield from (path for suffix, path in found.items() if suffix not in {".py", ".pyc"})
