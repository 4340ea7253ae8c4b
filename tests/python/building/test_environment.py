"""What dbt is called with."""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrate.building.arguments import (
    build_arguments,
    freshness_arguments,
    parse_arguments,
    profiles_dir,
)
from orchestrate.building.environment import applied, dbt_environment
from orchestrate.settings import Settings

VARIABLES = {"residency_source": "export", "min_site_studies": 5}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(
        Settings.from_environment({"CASEBOOK_HOME": str(tmp_path / "home")}),
        project_dir=tmp_path / "project",
    )


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def test_every_call_names_folders_and_variables_and_is_silent(settings: Settings) -> None:
    for make in (parse_arguments, build_arguments, freshness_arguments):
        arguments = make(settings, VARIABLES)
        assert option(arguments, "--project-dir") == str(settings.project_dir)
        assert option(arguments, "--profiles-dir") == str(profiles_dir(settings))
        assert option(arguments, "--log-path") == str(settings.log_dir)
        assert json.loads(option(arguments, "--vars")) == VARIABLES
        assert option(arguments, "--log-level") == "none"
        assert "--no-send-anonymous-usage-stats" in arguments


def test_only_a_build_writes_where_publishing_looks(settings: Settings) -> None:
    assert option(build_arguments(settings, {}), "--target-path") == str(settings.target_dir)
    for make in (parse_arguments, freshness_arguments):
        assert option(make(settings, {}), "--target-path") == str(settings.description_dir)


def test_a_build_leaves_seeds_to_the_runner_but_not_the_tests_on_them(settings: Settings) -> None:
    arguments = build_arguments(settings, {})
    assert arguments[0] == "build"
    assert arguments[-3:] == ["--exclude-resource-types", "seed", "unit_test"]
    assert "--exclude" not in arguments


def test_a_build_resumes_from_the_last_parse_if_there_was_one(settings: Settings) -> None:
    assert "--partial-parse-file-path" not in build_arguments(settings, {})
    parsed = settings.description_dir / "partial_parse.msgpack"
    parsed.parent.mkdir(parents=True)
    parsed.touch()
    assert option(build_arguments(settings, {}), "--partial-parse-file-path") == str(parsed)


def test_dbt_connects_as_libpq_would(tmp_path: Path) -> None:
    service = tmp_path / "service.conf"
    parameters = {
        "host": "/tmp/a socket",  # noqa: S108 - a path that nothing opens
        "port": "6543",
        "user": "builder",
        "dbname": "the warehouse",
        "sslmode": "verify-full",
        "sslrootcert": "/etc/root.crt",
        "passfile": "/secret/passfile",
        "connect_timeout": "3",
        "keepalives_idle": "60",
        "sslpassword": "of the key",
        "password": "pass word",
        "options": "-c statement_timeout=5min",
    }
    environment = dbt_environment(parameters, "pass word", service, {"casebook.some": "setting"})
    assert environment == {
        "CASEBOOK_DBT_HOST": parameters["host"],
        "CASEBOOK_DBT_PORT": "6543",
        "CASEBOOK_DBT_USER": "builder",
        "CASEBOOK_DBT_DATABASE": "the warehouse",
        "CASEBOOK_DBT_SSLMODE": "verify-full",
        "CASEBOOK_DBT_CONNECT_TIMEOUT": "3",
        "CASEBOOK_DBT_SCHEMA": "casebook",
        "DBT_ENV_SECRET_CASEBOOK_PASSWORD": "pass word",
        "PGSERVICE": "casebook",
        "PGSERVICEFILE": str(service),
        "PGHOSTADDR": "",
        "PGOPTIONS": "-c statement_timeout=5min -c casebook.some=setting",
    }
    assert service.read_text(encoding="utf-8").splitlines() == [
        "[casebook]",
        "sslrootcert=/etc/root.crt",
        "passfile=/secret/passfile",
        "keepalives_idle=60",
        "sslpassword=of the key",
    ]
    assert service.stat().st_mode & 0o777 == 0o600


def test_what_a_target_leaves_open_is_what_libpq_takes(tmp_path: Path) -> None:
    environment = dbt_environment({"host": "db"}, "", tmp_path / "service.conf")
    assert environment["CASEBOOK_DBT_PORT"] == "5432"
    assert environment["CASEBOOK_DBT_USER"] == getpass.getuser()
    assert environment["CASEBOOK_DBT_DATABASE"] == getpass.getuser()
    assert environment["CASEBOOK_DBT_SSLMODE"] == ""
    assert environment["CASEBOOK_DBT_CONNECT_TIMEOUT"] == "10"


def test_the_environment_is_restored_also_after_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CASEBOOK_DBT_HOST", "before")
    monkeypatch.delenv("CASEBOOK_DBT_USER", raising=False)
    folder = Path.cwd()

    def fail() -> None:
        with applied({"CASEBOOK_DBT_HOST": "within", "CASEBOOK_DBT_USER": "within"}):
            assert os.environ["CASEBOOK_DBT_HOST"] == "within"
            os.chdir(tmp_path)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert os.environ["CASEBOOK_DBT_HOST"] == "before"
    assert "CASEBOOK_DBT_USER" not in os.environ
    assert Path.cwd() == folder
