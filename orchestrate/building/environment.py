"""The environment variables that profiles.example.yml reads, set only while dbt runs."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

# What dbt's profile has a place for; everything else a libpq URI may say goes to libpq itself.
_PROFILE_VARIABLES = {
    "host": "CASEBOOK_DBT_HOST",
    "port": "CASEBOOK_DBT_PORT",
    "user": "CASEBOOK_DBT_USER",
    "dbname": "CASEBOOK_DBT_DATABASE",
    "sslmode": "CASEBOOK_DBT_SSLMODE",
}
_LIBPQ_VARIABLES = {
    "channel_binding": "PGCHANNELBINDING",
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "gssencmode": "PGGSSENCMODE",
    "options": "PGOPTIONS",
    "sslcert": "PGSSLCERT",
    "sslcrl": "PGSSLCRL",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}

_NOTHING: Mapping[str, str] = MappingProxyType({})


def dbt_environment(
    parameters: Mapping[str, str], password: str, session: Mapping[str, str] = _NOTHING
) -> dict[str, str]:
    """Return the variables that make dbt connect as libpq would with `parameters`.

    `session` are settings of its sessions by name, plain words; a secret among them is in no
    command line, statement or log: libpq sends it when it connects.

    The password's variable carries dbt's secret prefix: dbt masks it in logs and artifacts. The
    schema is always `casebook`, which keeps the names of the public interface (a developer's own
    prefix is for plain dbt).
    """
    user = parameters.get("user") or getpass.getuser()
    environment = {
        # Meant for other servers, if set; libpq takes an empty value as none.
        "PGHOSTADDR": "",
        "PGOPTIONS": "",
        "CASEBOOK_DBT_HOST": parameters.get("host", "localhost"),
        "CASEBOOK_DBT_PORT": parameters.get("port", "5432"),
        "CASEBOOK_DBT_USER": user,
        "CASEBOOK_DBT_DATABASE": parameters.get("dbname") or user,
        "CASEBOOK_DBT_SSLMODE": parameters.get("sslmode", "prefer"),
        "CASEBOOK_DBT_SCHEMA": "casebook",
        # libpq would take it from there; dbt hands on an empty one, which would hide it.
        "DBT_ENV_SECRET_CASEBOOK_PASSWORD": password or os.environ.get("PGPASSWORD", ""),
    }
    for name, variable in _LIBPQ_VARIABLES.items():
        if name in parameters:
            environment[variable] = parameters[name]
    given = [environment["PGOPTIONS"]] if environment["PGOPTIONS"] else []
    settings = [f"-c {name}={value}" for name, value in session.items()]
    environment["PGOPTIONS"] = " ".join([*given, *settings])
    return environment


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
