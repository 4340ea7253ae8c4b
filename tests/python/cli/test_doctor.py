"""`casebook doctor` and its --mend, from the shell on a copy of the published samples."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import scoped

from orchestrate.doctor import check_folders, misfit
from orchestrate.errors import ExitStatus
from orchestrate.settings import Settings
from tests.python.conftest import Casebook


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("pytest", ""),
        ("pytest>=1", ""),
        ("pytest>=1000", "pytest is "),
        ("no-such-package", "no-such-package is missing"),
        ('no-such-package; extra == "parquet"', ""),
        ('no-such-package; python_version >= "3"', "no-such-package is missing"),
        ('no-such-package; python_version < "3"', ""),
    ],
)
def test_only_what_is_required_here_can_be_missing(line: str, problem: str) -> None:
    found = misfit(line)
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


def test_a_home_behind_a_closed_folder_is_told(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    settings = Settings.from_environment({"CASEBOOK_HOME": str(closed / "home")})
    user = os.geteuid()
    if user == 0:
        os.setresuid(65534, 65534, 0)
    try:
        checks = list(check_folders(settings))
    finally:
        os.setresuid(user, user, user)
        closed.chmod(0o700)
    (home,) = [check for check in checks if check.name == "home"]
    assert home.result.endswith("cannot be written")
    assert "CASEBOOK_HOME" in home.cure
    assert home.status == ExitStatus.USAGE


def doctor(casebook: Casebook, *options: str) -> tuple[int, dict[str, Any]]:
    done = casebook.command("doctor", "--json", *options, check=False)
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def test_mending_from_the_shell(own_casebook: Casebook) -> None:
    assert doctor(own_casebook)[0] == 0
    status, told = doctor(own_casebook, "--mend")
    assert (status, told["mended"]) == (0, [])

    databases = own_casebook.databases
    place = scoped.place_of(databases, "humana_hospice")
    scoped.as_owner(place, "drop policy version_is_current on clients.procedure_summary")
    with databases.reporting.door.session() as session, session.cursor() as cursor:
        cursor.execute("drop role humana_colonoscopy")

    status, told = doctor(own_casebook)
    assert status == 3
    wrong = [check for check in told["checks"] if not check["ok"]]
    assert {check["check"] for check in wrong} == {"access"}
    assert all("casebook doctor --mend" in check["cure"] for check in wrong)

    plain = own_casebook.command("doctor", "--mend")
    assert "Mended" in plain.stdout
    assert "humana_colonoscopy is missing" in plain.stdout
    status, told = doctor(own_casebook, "--mend")
    assert (status, told["mended"]) == (0, [])
    assert "Nothing had to be mended." in own_casebook.command("doctor", "--mend").stdout
    published = json.loads(own_casebook.command("status", "--json").stdout)
    assert [one["version"] for one in published["versions"]] == [1]
    for login in ("humana_colonoscopy", "humana_hospice"):
        read = "select count(distinct version) from clients.procedure_summary"
        assert scoped.read(databases, login, read) == [(1,)]
