"""What `casebook db` does: start the embedded server, tell how to connect, become psql."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import NoReturn

from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.passwords import ANY, PasswordFile
from orchestrate.database.postmaster import Postmaster
from orchestrate.database.programs import Programs
from orchestrate.database.server import ensure_running, login_passwords, server_passwords
from orchestrate.database.targets import Targets, locate
from orchestrate.errors import ConfigurationError
from orchestrate.settings import REPORTING_VARIABLE, WAREHOUSE_VARIABLE, Settings

# Variables of libpq that would overrule what the URI and its password file say.
_OVERRULING = frozenset(
    {"PGPASSWORD", "PGPASSFILE", "PGHOSTADDR", "PGOPTIONS", "PGSERVICE", "PGSERVICEFILE"}
)
# What may hold the builder's password, which a shell within a reader's psql need not inherit.
_OURS = (WAREHOUSE_VARIABLE, REPORTING_VARIABLE)
_NEEDS_TLS = frozenset({"require", "verify-ca", "verify-full"})


def start(settings: Settings, port: int | None = None) -> Postmaster:
    """Start the embedded server; with `port` it also listens on 127.0.0.1, until it is stopped.

    Raises ConfigurationError for an impossible port or when CASEBOOK_DATABASE_URL names a server,
    and what `ensure_running` raises.
    """
    if settings.database_url:
        raise ConfigurationError(
            f"{WAREHOUSE_VARIABLE} names a server, which Casebook neither starts nor stops.",
            "Unset it to use the embedded one.",
        )
    if port is not None and not 0 <= port < 65536:
        raise ConfigurationError(f"{port} is no port: give a number from 1 to 65535.")
    return ensure_running(settings, port)


def url(settings: Settings, login: str | None = None) -> str:
    """Return the URI of the warehouse as its builder, or of a login's scope as that login.

    It holds no password but the name of a password file. A server that listens on a port is named
    by that. Raises ConfigurationError for a login without a stored password.
    """
    return _target(settings, login).uri()


def psql(settings: Settings, login: str | None, arguments: Sequence[str]) -> NoReturn:
    """Become psql, connected like `url`.

    To a server of one's own with the system's psql, if there is one; else with the one that comes
    with the embedded server. Raises ConfigurationError where that cannot encrypt the connection.
    """
    target = _target(settings, login)
    program = _psql_for(target, is_embedded=target.parameters["host"].startswith("/"))
    overruling = _OVERRULING if "passfile" in target.parameters else frozenset[str]()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in overruling and not name.startswith(_OURS)
    }
    os.execve(program, [program, target.uri(), *arguments], environment)  # noqa: S606  (no shell)


def _psql_for(target: ConnectionTarget, *, is_embedded: bool) -> str:
    bundled = str(Programs.find() / "psql")
    if is_embedded:
        return bundled
    if found := shutil.which("psql"):
        return found
    # It was built without TLS, and would connect unprotected where that is left open.
    if target.parameters.get("sslmode") in _NEEDS_TLS:
        raise ConfigurationError(
            "The psql that comes with the embedded server cannot encrypt a connection.",
            "Install psql (the package postgresql-client), or take the URI of `casebook db url`.",
        )
    return bundled


def _target(settings: Settings, login: str | None) -> ConnectionTarget:
    targets = locate(settings)
    if login is None:
        return _builder(settings, targets)
    passwords = login_passwords(settings)
    for target, server in targets.scope_servers():
        # A login's line names the database of its scope.
        line = passwords.line(server.endpoint if server else target.endpoint, login)
        if line is not None and line.database != ANY:
            found = target.derive(user=login, passfile=str(passwords.path), dbname=line.database)
            return _by_port(found, server, passwords)
    known = ", ".join(passwords.users()) or "none yet"
    raise ConfigurationError(
        f"There is no password of a login {login!r} here (known logins: {known}).",
        "Logins come from the members, and are made when a run publishes.",
    )


def _builder(settings: Settings, targets: Targets) -> ConnectionTarget:
    target, passwords = targets.warehouse, server_passwords(settings)
    if given := target.parameters.get("password"):
        # What the user's URL holds goes where psql can find it and nobody else can read it.
        passwords.put(target.endpoint, target.user, given)
        target = ConnectionTarget({**target.parameters, "passfile": str(passwords.path)})
    return _by_port(target, targets.embedded, passwords)


def _by_port(
    target: ConnectionTarget, server: Postmaster | None, passwords: PasswordFile
) -> ConnectionTarget:
    """Prefer the port, if the embedded server has one: not every program can use a socket."""
    if server is None or server.tcp_endpoint is None:
        return target
    endpoint = server.tcp_endpoint
    passwords.put(endpoint, target.user, target.password(), target.database)
    return target.derive(host=endpoint.host, port=endpoint.port)
