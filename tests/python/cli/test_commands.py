"""The command line from the shell: what it offers, what it prints where."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrate.settings import PROJECT_DIR
from tests.python.conftest import Casebook

COMMANDS = {"run", "load", "publish", "report", "extract", "status", "erd", "doctor", "db"}


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
    assert "rollback" not in words


@pytest.mark.slow
def test_status_is_json_on_standard_output_alone(published: Casebook) -> None:
    done = published.command("status", "--json")
    status = json.loads(done.stdout)
    assert status["current"] == status["versions"][0]["version"]
    assert status["sources"]["residency"]["source"] == "sample"
    assert status["versions"][0]["rows"]["residency.case_log_totals"] == 25


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
def test_a_second_run_reloads_nothing_and_publishes_the_next_version(
    own_casebook: Casebook,
) -> None:
    before = json.loads(own_casebook.command("status", "--json").stdout)
    again = own_casebook.run()
    after = json.loads(own_casebook.command("status", "--json").stdout)
    assert again["version"] == before["current"] + 1
    assert after["versions"][0]["rows"] == before["versions"][0]["rows"]


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
def test_publish_takes_the_last_build_and_nothing_older(own_casebook: Casebook) -> None:
    again = json.loads(own_casebook.command("publish", "--json").stdout)
    assert again["version"] == 2

    own_casebook.command("load", "residency", str(sample_as_export(own_casebook.home)))
    refused = own_casebook.command("publish", check=False)
    assert refused.returncode == 1
    assert "switched to its export" in refused.stderr


def sample_as_export(folder: Path) -> Path:
    """Write the residency sample under the names of an export."""
    export = folder / "export"
    export.mkdir()
    for seed in (PROJECT_DIR / "seeds" / "residency").glob("*.csv"):
        shutil.copy(seed, export / seed.name.removeprefix("residency__"))
    return export
