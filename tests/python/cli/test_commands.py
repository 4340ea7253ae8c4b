"""The command line from the shell: what it offers, what it prints where."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import openpyxl
import pytest

from orchestrate.console import Console
from orchestrate.errors import ExitStatus
from orchestrate.rollback import put_back
from orchestrate.run_lock import run_lock
from orchestrate.settings import PROJECT_DIR
from orchestrate.status import ExportFinding, summarise
from tests.python.conftest import Casebook

COMMANDS = {
    "run", "load", "publish", "report", "extract", "status", "rollback", "erd", "doctor", "db",
}  # fmt: skip


def test_help_lists_the_commands_that_work() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrate", "--help"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    words = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("│ ")}
    assert words >= COMMANDS


def test_the_version_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrate", "--version"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"casebook {metadata.version('casebook')}\n"


@pytest.mark.slow
def test_status_is_json_on_standard_output_alone(published: Casebook) -> None:
    done = published.command("status", "--json")
    status = json.loads(done.stdout)
    assert status["current"] == status["versions"][0]["version"]
    assert status["sources"]["residency"]["source"] == "sample"
    rows = status["versions"][0]["rows"]
    assert rows["residency.case_log_totals"] == 25
    assert list(rows) == sorted(rows)


@pytest.mark.slow
def test_status_tells_what_deserves_a_look_in_everybodys_rows(published: Casebook) -> None:
    with (PROJECT_DIR / "seeds" / "advocacy" / "advocacy__patients.csv").open() as file:
        missing = sum(not row["zip"].strip() for row in csv.DictReader(file))
    found = json.loads(published.command("status", "--json").stdout)["findings"]
    assert {
        "domain": "advocacy",
        "kind": "missing_zip",
        "subjects": 1,
        "rows": missing,
        "largest_subject": "Patients",
        "largest_rows": missing,
    } in found
    assert {one["domain"] for one in found} == {"advocacy", "residency"}
    shown = published.command("status").stdout
    assert "What the last build found in the exports" in shown
    assert "missing ZIP" in shown


def test_findings_are_summed_up_by_kind() -> None:
    found = [("b", "Y", 1), ("a", "X", 2), ("b", "Z", 3), ("b", "Y", 2)]
    assert summarise("one", found) == [
        ExportFinding("one", "a", 1, 2, "X", 2),
        ExportFinding("one", "b", 2, 6, "Y", 3),
    ]
    assert summarise("one", []) == []


@pytest.mark.slow
def test_doctor_finds_nothing_wrong(published: Casebook) -> None:
    done = published.command("doctor", "--json")
    checks = json.loads(done.stdout)["checks"]
    assert len(checks) >= 8
    assert [check for check in checks if not check["ok"]] == []


@pytest.mark.slow
def test_doctor_tells_of_a_password_file_that_others_can_read(own_casebook: Casebook) -> None:
    secret = own_casebook.settings.secrets_dir / "logins.pgpass"
    secret.chmod(0o644)
    done = own_casebook.command("doctor", "--json", check=False)
    wrong = [check for check in json.loads(done.stdout)["checks"] if not check["ok"]]
    assert done.returncode == 2
    assert str(secret) in wrong[0]["result"]
    assert "chmod 600" in wrong[0]["cure"]


@pytest.mark.slow
def test_the_next_version_is_published_and_withdrawn_with_its_pages_and_extracts(
    own_casebook: Casebook,
) -> None:
    out = ("--out", str(own_casebook.output_dir))
    before = json.loads(own_casebook.command("status", "--json").stdout)
    again = own_casebook.run("--full")
    after = json.loads(own_casebook.command("status", "--json").stdout)
    assert again["version"] == before["current"] + 1 == after["current"]
    assert after["versions"][0]["rows"] == before["versions"][0]["rows"]
    assert versions_shown(own_casebook.output_dir) == {2}

    with run_lock(own_casebook.databases):
        busy = own_casebook.command("rollback", check=False)
    assert busy.returncode == ExitStatus.BUSY
    assert versions_shown(own_casebook.output_dir) == {2}
    back = json.loads(own_casebook.command("rollback", "--json", *out).stdout)
    assert (back["version"], back["withdrawn"]) == (1, 2)
    assert versions_shown(own_casebook.output_dir) == {1}
    told = json.loads(own_casebook.command("status", "--json").stdout)
    assert told["current"] == 1
    assert [one["rolled_back_at"] is None for one in told["versions"]] == [False, True]
    assert "put back by a rollback of version 2" in own_casebook.command("status").stdout
    again_back = own_casebook.command("rollback", *out, check=False)
    assert again_back.returncode == ExitStatus.USAGE
    assert "no earlier version" in again_back.stderr


def versions_shown(folder: Path) -> set[int]:
    """Return the versions that pages, read-mes and workbooks name, each of which names one."""
    found = set()
    for page in folder.glob("*/*.html"):
        found |= set(re.findall(r"Version (\d+), published", page.read_text())) or {"none"}
    for readme in folder.glob("*/extracts/README.txt"):
        found |= set(re.findall(r"^Version: (\d+)$", readme.read_text(), re.M)) or {"none"}
    for workbook in folder.glob("*/extracts/*.xlsx"):
        book = openpyxl.load_workbook(workbook, read_only=True)
        facts = {row[0]: row[1] for row in book["Read me"].iter_rows(max_row=4, values_only=True)}
        book.close()
        assert facts["As of"]
        found.add(facts["Version"])
    return {int(one) for one in found}


@pytest.mark.slow
def test_psql_runs_as_the_login(published: Casebook) -> None:
    done = published.command(
        "db", "psql", "--as", "program_director", "-Atc", "select session_user"
    )
    assert done.stdout.strip() == "program_director"


@pytest.mark.slow
def test_a_database_url_never_shows_a_password(published: Casebook) -> None:
    url = published.command("db", "url", "--as", "uhc_analyst").stdout.strip()
    passfile = published.settings.secrets_dir / "logins.pgpass"
    secrets = {line.rsplit(":", 1)[1] for line in passfile.read_text().splitlines()}
    assert url.startswith("postgresql://uhc_analyst@")
    assert all(secret not in url for secret in secrets)


@pytest.mark.slow
def test_a_reader_who_leaves_early_is_no_failure(published: Casebook) -> None:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", '"$0" -m orchestrate status | head -1', sys.executable],
        cwd=PROJECT_DIR,
        env=published.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Version")


@pytest.mark.slow
def test_publish_takes_the_last_build_and_nothing_older(
    own_casebook: Casebook, figure: Callable[[str], None]
) -> None:
    started = time.perf_counter()
    again = json.loads(own_casebook.command("publish", "--json").stdout)
    assert again["version"] == 2
    published = time.perf_counter() - started

    own_casebook.command("load", "residency", str(sample_as_export(own_casebook.home)))
    refused = own_casebook.command("publish", check=False)
    assert refused.returncode == 1
    assert "set to its export" in refused.stderr

    started = time.perf_counter()
    with run_lock(own_casebook.databases) as still_alone:
        put_back(own_casebook.settings, own_casebook.databases, Console(), still_alone)
    rolled_back = time.perf_counter() - started
    figure(
        f"the sample: casebook publish {published:.1f} s, a rollback until readers see it"
        f" {rolled_back:.2f} s"
    )
    assert rolled_back < published


def sample_as_export(folder: Path) -> Path:
    """Write the residency sample under the names of an export."""
    export = folder / "export"
    export.mkdir()
    for seed in (PROJECT_DIR / "seeds" / "residency").glob("*.csv"):
        shutil.copy(seed, export / seed.name.removeprefix("residency__"))
    return export
