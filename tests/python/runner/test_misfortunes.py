"""What `casebook doctor` says to more than twenty real misconfigurations, each made from outside.

One tiny Casebook on the system's PostgreSQL 15 is broken in one way, doctor has to find that, say
where, and what to do; then that is done, and doctor has to be content again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import servers
from embedded import settings_of
from postgres15 import SystemPostgres, temporary_cluster
from tiny import Tiny

from orchestrate.cli import invoke
from orchestrate.console import Console
from orchestrate.database import open_databases, remove_embedded, server_status
from orchestrate.settings import Settings
from tests.python.runner.misfortunes import MISFORTUNES, PASSWORD, Patient

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def healthy(
    postgres15_cluster: SystemPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Tiny, dict[str, str]]]:
    """Return a tiny Casebook that is published and well, and its variables."""
    postgres15_cluster.reset()
    variables = {
        "CASEBOOK_HOME": str(tmp_path_factory.mktemp("doctor") / "home"),
        "CASEBOOK_DATABASE_URL": postgres15_cluster.make_least_privileged_builder(PASSWORD),
    }
    settings = Settings.from_environment(variables)
    made = Tiny(settings, open_databases(settings, Console()))
    made.publish(build=True)
    yield made, variables
    postgres15_cluster.reset()


@pytest.fixture
def patient(
    healthy: tuple[Tiny, dict[str, str]],
    postgres15_cluster: SystemPostgres,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Patient:
    """Return the tiny Casebook with its usual variables."""
    tiny, variables = healthy
    return Patient(
        tiny,
        postgres15_cluster,
        tmp_path,
        lambda: capsys.readouterr().out,
        dict(variables),
    )


def test_before_the_first_run_doctor_only_tells_what_is_to_be_closed_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with temporary_cluster() as server:
        monkeypatch.setenv("CASEBOOK_HOME", str(tmp_path / "home"))
        url = server.make_least_privileged_builder(PASSWORD)
        monkeypatch.setenv("CASEBOOK_DATABASE_URL", url)
        assert invoke(["doctor"]) == 0
        told = capsys.readouterr().out
        assert "-- warehouse closed to the public: in the database warehouse\nrevoke" in told
        assert invoke(["doctor", "--json"]) == 0
        asked = [one for one in json.loads(capsys.readouterr().out)["checks"] if one["statements"]]
        assert len(asked) > 2
        for check in asked:
            server.execute(*check["statements"], database=check["run_in"])
        assert invoke(["doctor", "--json"]) == 0
        checks = json.loads(capsys.readouterr().out)["checks"]
        assert [one["statements"] for one in checks if one["statements"]] == []


def test_there_are_twenty() -> None:
    assert len(MISFORTUNES) >= 20


@pytest.mark.parametrize("name", MISFORTUNES)
def test_doctor_finds_it_and_says_what_to_do(patient: Patient, name: str) -> None:
    expected = MISFORTUNES[name]
    usual = dict(patient.variables)
    steps = expected.steps(patient)
    next(steps)
    matching: list[dict[str, Any]] = []
    try:
        status, told = patient.doctor()
        wrong = [check for check in told["checks"] if not check["ok"]]
        matching = [
            check
            for check in wrong
            if check["check"].startswith(expected.check)
            and expected.result in check["result"]
            and expected.cure in check["cure"]
        ]
        assert matching, wrong
        assert status == expected.status
        assert PASSWORD not in str(told)
    finally:
        # Where variables alone were wrong, to put them back is this test's own doing.
        is_to_be_mended = patient.variables == usual
        patient.variables = usual
        with suppress(StopIteration):
            steps.send(matching[0] if matching else {"statements": []})
    if is_to_be_mended:
        status, told = patient.doctor()
        assert [check for check in told["checks"] if not check["ok"]] == []
        assert status == 0


def test_rules_of_entry_that_other_hands_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The embedded server trusts nobody, and is told from one that does."""
    servers.skip_unless_embedded()
    settings = settings_of(tmp_path / "home")
    monkeypatch.setenv("CASEBOOK_HOME", str(settings.home))
    try:
        open_databases(settings, Console())
        rules = server_status(settings).data_dir / "pg_hba.conf"
        with rules.open("a", encoding="utf-8") as file:
            file.write("local all all trust\n")
        assert invoke(["doctor", "--json"]) == 2
        wrong = [
            check for check in json.loads(capsys.readouterr().out)["checks"] if not check["ok"]
        ]
        assert "pg_hba.conf was changed by other hands" in wrong[0]["result"]
        assert "casebook db stop" in wrong[0]["cure"]
        assert invoke(["db", "stop"]) == 0
        assert invoke(["doctor", "--json"]) == 0
    finally:
        remove_embedded(settings)
