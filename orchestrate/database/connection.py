"""One way to one database: libpq parameters, and nothing that shows a password."""

from __future__ import annotations

import getpass
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote
from weakref import WeakSet

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from orchestrate.database.passwords import Endpoint, PasswordFile
from orchestrate.driver import Connection
from orchestrate.errors import ConfigurationError, DatabaseError, LostConnectionError

SCHEMES = ("postgresql://", "postgres://")
CONNECT_TIMEOUT_SECONDS = "10"
# The longest that one statement may take before the server ends it: it is stuck.
LONGEST_STATEMENT = "2h"

# Settings of every session. A server looks after a client only when it sends something: without
# these, what a killed one has begun runs to its end, and a lock of one whose machine is gone stays
# for hours.
SESSION: Mapping[str, str] = MappingProxyType(
    {
        "client_connection_check_interval": "2s",
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
    }
)
# The same from this side. A URL may say otherwise.
_KEEPALIVES = MappingProxyType(
    {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
)

# How long to try again, in seconds, by what the attempt was answered. A server that starts or stops
# is surely the right one; where nobody answers, it may be, or the address is wrong.
_PATIENCE = MappingProxyType(
    {
        re.compile(r"the database system is (starting up|shutting down|in recovery mode)"): 30.0,
        re.compile(r"the database system is not (yet )?accepting connections"): 30.0,
        re.compile(r"server closed the connection unexpectedly|reset by peer"): 10.0,
        re.compile(r"Connection refused|No such file or directory"): 1.0,
        re.compile(r"Temporary failure in name resolution"): 1.0,
    }
)
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0

# What to do, by what the attempt was answered; the first that fits.
_CURES = MappingProxyType(
    {
        "certificate": "Let sslrootcert in the URL name the certificate of the authority that"
        " signed the server's, and write the host as that one does.",
        "no encryption|SSL off": "The server wants TLS: add"
        " ?sslmode=verify-full&sslrootcert=FILE to the URL.",
        "does not support SSL": "Turn TLS on in the server, or take sslmode out of the URL of a"
        " trusted network.",
        "authentication failed|no password supplied": "Check the user name and the password.",
        "does not exist": "Check the name, or create it first.",
        "no pg_hba.conf entry": "The server does not let this user in from here: see its"
        " pg_hba.conf.",
        "(configuration|startup) parameter": "PostgreSQL has to be 14 or newer; a pooler in between"
        " has to pass on `options`.",
        "too many|connection slots": "Close some connections, or raise max_connections.",
        "": "Check that the server runs and can be reached from here.",
    }
)

# SQLSTATEs with which a server takes leave: of all its clients, of this one, of those that idle.
_LEAVES = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})

# What belongs to the person a URL was written for, and to nobody else who connects to its server.
PERSONAL_PARAMETERS = frozenset(
    {"user", "password", "passfile", "sslcert", "sslkey", "sslpassword"}
)

# A password file is complete: variables such as PGPASSWORD or PGHOSTADDR, meant for other servers,
# must not overrule it. libpq takes an empty value as given and then as absent.
_SHIELDED = MappingProxyType({"password": "", "hostaddr": "", "options": ""})

_USUAL_SOCKET_FOLDERS = frozenset({"/tmp", "/var/run/postgresql", "/run/postgresql"})  # noqa: S108 - libpq's

_NOTHING: Mapping[str, str] = MappingProxyType({})

# Connections of this process, to cancel what they wait for when it is interrupted.
_OPENED: WeakSet[Connection] = WeakSet()


@dataclass(frozen=True, repr=False)
class ConnectionTarget:
    """Where and as whom to connect: libpq parameters by name (host, port, user, dbname, …).

    `password` is among them only when a URL given by the user carried one.
    """

    parameters: Mapping[str, str]

    def __repr__(self) -> str:
        return f"ConnectionTarget({self.uri()!r})"

    @property
    def endpoint(self) -> Endpoint:
        """Host (or socket folder) and port, as a password file names them.

        libpq looks for the socket folder that it was built with under `localhost`, and builds
        differ: for the usual ones the line is for any host.
        """
        host = self.parameters["host"]
        return Endpoint(
            "*" if host in _USUAL_SOCKET_FOLDERS else host, self.parameters.get("port", "5432")
        )

    @property
    def user(self) -> str:
        """The role that logs in."""
        return self.parameters["user"]

    @property
    def database(self) -> str:
        """The name of the database."""
        return self.parameters["dbname"]

    def uri(self) -> str:
        """Return a libpq URI, with `passfile=` if there is one, never with a password."""
        rest = {
            name: value
            for name, value in self.parameters.items()
            if name not in {"user", "dbname", "password", "sslpassword"}
        }
        host, place = rest.get("host", ""), ""
        if host and not host.startswith("/"):
            # IPv6 addresses stand in brackets, so that their colons are not taken for a port.
            address = f"[{host}]" if ":" in host else quote(host, safe="")
            place = f"{address}:{rest.get('port', '5432')}"
            rest = {name: value for name, value in rest.items() if name not in {"host", "port"}}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in rest.items())
        base = f"postgresql://{quote(self.user, safe='')}@{place}/{quote(self.database, safe='')}"
        return f"{base}?{query}" if query else base

    def connect(
        self,
        *,
        application_name: str = "casebook",
        autocommit: bool = False,
        options: Mapping[str, str] = _NOTHING,
    ) -> Connection:
        """Open a connection; `options` are settings of the session, by name, beside SESSION.

        A server that is just starting or restarting is waited for. Raises DatabaseError, naming
        host, port, user and database, when that fails.
        """
        parameters = {
            **self._complete(),
            "client_encoding": "UTF8",
            "application_name": application_name,
        }
        settings = [
            f"-c {name}={_escape_option(value)}" for name, value in {**SESSION, **options}.items()
        ]
        given = parameters.get("options", "")
        parameters["options"] = " ".join([given, *settings] if given else settings)
        try:
            connection = _connect_patiently(make_dsn(**parameters))
        except psycopg2.Error as error:
            raise self._unreachable(error) from None
        connection.autocommit = autocommit
        _OPENED.add(connection)
        return connection

    def is_served(self) -> bool:
        """Tell whether a server takes connections here now, whatever it answers to this one.

        One that starts, recovers or stops does not, nor one that is gone.
        """
        try:
            psycopg2.connect(make_dsn(**self._complete())).close()
        except psycopg2.OperationalError as error:
            return _patience(error) == 0
        return True

    @contextmanager
    def session(self, application_name: str = "casebook") -> Iterator[Connection]:
        """Open an autocommitting connection for a with block, and close it afterwards."""
        connection = self.connect(application_name=application_name, autocommit=True)
        try:
            with database_errors(f"The database {self.database} refused"):
                yield connection
        finally:
            connection.close()

    def password(self) -> str:
        """Return the password, from the URL or the password file; empty: left to libpq."""
        if given := self.parameters.get("password"):
            return given
        if passfile := self.parameters.get("passfile"):
            return PasswordFile(Path(passfile)).find(self.endpoint, self.user) or ""
        return ""

    def derive(self, **changes: str) -> ConnectionTarget:
        """Return a target on the same server for another user or database.

        With another user nothing personal (password, certificate) is kept.
        """
        kept = dict(self.parameters)
        if "user" in changes:
            kept = {name: value for name, value in kept.items() if name not in PERSONAL_PARAMETERS}
        return ConnectionTarget({**kept, **changes})

    def _complete(self) -> dict[str, str]:
        return {
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            **_KEEPALIVES,
            **(_SHIELDED if "passfile" in self.parameters else {}),
            **self.parameters,
        }

    def _unreachable(self, error: psycopg2.Error) -> DatabaseError:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        reason = lines[0]
        for secret in (self.parameters.get("password"), self.parameters.get("sslpassword")):
            if secret:
                reason = reason.replace(secret, "***")
        host, port = self.endpoint
        return DatabaseError(
            f"Cannot connect to database {self.database!r} as {self.user!r}"
            f" on host {host!r}, port {port}: {reason}",
            _cure(reason),
        )


def parse_url(text: str, variable: str) -> ConnectionTarget:
    """Read the URL of a server of one's own, found in the environment variable `variable`.

    Raises ConfigurationError, which names the variable and never shows the URL: it may hold a
    password.
    """
    example = "Write it as postgresql://user@host:5432/database."
    if not text.startswith(SCHEMES):
        raise ConfigurationError(f"{variable} does not start with postgresql://.", example)
    try:
        parameters = {name: str(value) for name, value in parse_dsn(text).items()}
    except psycopg2.Error:
        # The parser quotes what it could not read, and that may be a part of the password.
        raise ConfigurationError(
            f"{variable} is not a well-formed PostgreSQL URL.",
            f"{example} Percent-encode special characters in user and password.",
        ) from None
    if "service" in parameters:
        # dbt gets the rest of the URL as a service, and there can be only one.
        raise ConfigurationError(
            f"{variable} names a service.", f"{example} Write out what it says."
        )
    host = parameters.setdefault("host", os.environ.get("PGHOST", ""))
    port = parameters.setdefault("port", os.environ.get("PGPORT", "5432"))
    if not parameters.get("user"):
        parameters["user"] = os.environ.get("PGUSER") or _own_name(variable)
    if not parameters.get("dbname"):
        raise ConfigurationError(f"{variable} names no database.", example)
    if not host:
        raise ConfigurationError(
            f"{variable} names no host.", f"{example} A socket folder goes in ?host=/folder."
        )
    if "," in host or "," in port:
        raise ConfigurationError(f"{variable} names several hosts; Casebook needs one.", example)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigurationError(f"{variable} has a port that is no number from 1 to 65535.")
    return ConnectionTarget(parameters)


@contextmanager
def database_errors(what: str) -> Iterator[None]:
    """Turn an error of the server within the block into a DatabaseError that begins with `what`."""
    try:
        yield
    except psycopg2.Error as error:
        raise refusal(what, error) from error


def refusal(what: str, error: psycopg2.Error) -> DatabaseError:
    """Return what to raise for an error of the server; it begins with `what`.

    A LostConnectionError where the connection itself is gone.
    """
    message = error.diag.message_primary if error.diag else None
    lines = str(error).strip().splitlines() or [type(error).__name__]
    cause = f"{what}: {message or lines[0]}"
    cure = (error.diag.message_hint or "") if error.diag else ""
    return LostConnectionError(cause, cure) if _is_lost(error) else DatabaseError(cause, cure)


def cancel_queries() -> None:
    """Let the server end what it does for this process, dbt's own connections left aside."""
    for connection in list(_OPENED):
        with suppress(psycopg2.Error):
            connection.cancel()


def _connect_patiently(dsn: str) -> Connection:
    """Connect; try again for as long as the answer gives reason to, with growing pauses."""
    began, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
    while True:
        try:
            return psycopg2.connect(dsn)
        except psycopg2.OperationalError as error:
            if time.monotonic() + pause - began > _patience(error):
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _patience(error: psycopg2.OperationalError) -> float:
    """Return for how many seconds an answer gives reason to try again; 0: it will not change."""
    told = str(error)
    return max((seconds for reason, seconds in _PATIENCE.items() if reason.search(told)), default=0)


def _is_lost(error: psycopg2.Error) -> bool:
    """Tell whether an error means that there is no connection any more."""
    if error.pgcode is None:
        return isinstance(error, psycopg2.InterfaceError | psycopg2.OperationalError)
    return error.pgcode in _LEAVES or error.pgcode.startswith("08")


def _own_name(variable: str) -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a number without a name.
        raise ConfigurationError(f"{variable} names no user.") from None


def _escape_option(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _cure(reason: str) -> str:
    return next(cure for told, cure in _CURES.items() if re.search(told, reason))
