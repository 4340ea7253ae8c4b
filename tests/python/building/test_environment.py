"""How dbt is told to connect."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest

from orchestrate.building.environment import applied, dbt_environment


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
