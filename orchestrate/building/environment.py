"""How dbt connects: variables for profiles.example.yml, set only while it runs, and one file."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from orchestrate.database.connection import CONNECT_TIMEOUT_SECONDS
from orchestrate.database.files import replace_text

# What dbt's profile has a place for. Everything else that a libpq URI may say (certificates,
# keepalives, …) goes to libpq itself by a service file, which comes before the environment.
_PROFILE_VARIABLES = {
    "host": "CASEBOOK_DBT_HOST",
    "port": "CASEBOOK_DBT_PORT",
    "user": "CASEBOOK_DBT_USER",
    "dbname": "CASEBOOK_DBT_DATABASE",
    "sslmode": "CASEBOOK_DBT_SSLMODE",
    "connect_timeout": "CASEBOOK_DBT_CONNECT_TIMEOUT",
}
# Settings of the sessions are put together in a variable of their own.
_NOT_IN_SERVICE = {*_PROFILE_VARIABLES, "options", "password"}
_SERVICE = "casebook"

_NOTHING: Mapping[str, str] = MappingProxyType({})


def dbt_environment(
    parameters: Mapping[str, str],
    password: str,
    service_file: Path,
    session: Mapping[str, str] = _NOTHING,
) -> dict[str, str]:
    """Return the variables that make dbt connect as libpq would with `parameters`.

    What has no variable is written to `service_file`, for its owner alone to read: the passphrase
    of a client's key may be among it. `session` are settings of its sessions by name, plain words;
    a secret among them is in no command line, statement or log: libpq sends it when it connects.

    The password's variable carries dbt's secret prefix: dbt masks it in logs and artifacts. The
    schema is always `casebook`, which keeps the names of the public interface (a developer's own
    prefix is for plain dbt).
    """
    user = parameters.get("user") or getpass.getuser()
    served = {name: value for name, value in parameters.items() if name not in _NOT_IN_SERVICE}
    lines = [f"[{_SERVICE}]", *(f"{name}={value}" for name, value in served.items())]
    replace_text(service_file, "".join(f"{line}\n" for line in lines))
    settings = [f"-c {name}={value}" for name, value in session.items()]
    given = [parameters["options"]] if parameters.get("options") else []
    defaults = {
        "host": "localhost",
        "port": "5432",
        "dbname": user,
        # libpq's own default then, which depends on the certificates.
        "sslmode": "",
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    }
    profile = {**defaults, **parameters, "user": user}
    return {
        **{variable: profile[name] for name, variable in _PROFILE_VARIABLES.items()},
        "PGSERVICE": _SERVICE,
        "PGSERVICEFILE": str(service_file),
        # Meant for other servers, if set; libpq takes an empty value as none.
        "PGHOSTADDR": "",
        "PGOPTIONS": " ".join([*given, *settings]),
        "CASEBOOK_DBT_SCHEMA": "casebook",
        # libpq would take it from there; dbt hands on an empty one, which would hide it.
        "DBT_ENV_SECRET_CASEBOOK_PASSWORD": password or os.environ.get("PGPASSWORD", ""),
    }


@contextmanager
def applied(environment: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process for the duration of the block, then restore what was there.

    dbt also changes the working folder; that is restored too.
    """
    before = {name: os.environ.get(name) for name in environment}
    folder = os.getcwd()  # noqa: PTH109 - restored as it was, also when it has been removed since
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        os.chdir(folder)
