"""The warehouse and the servers of the scopes' databases, as the environment names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrate.console import Console
from orchestrate.database.commands import psql, start, url
from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.files import locked
from orchestrate.database.own_server import open_reporting, open_warehouse
from orchestrate.database.passwords import Endpoint, PasswordFile
from orchestrate.database.places import usable_home
from orchestrate.database.server import (
    ServerStatus,
    login_passwords,
    remove_embedded,
    server_passwords,
    server_status,
    stop,
)
from orchestrate.database.targets import locate
from orchestrate.settings import Settings

__all__ = [
    "ConnectionTarget",
    "Databases",
    "ReportingServer",
    "ServerStatus",
    "open_databases",
    "psql",
    "remove_embedded",
    "server_status",
    "start",
    "stop",
    "url",
]


@dataclass(frozen=True)
class ReportingServer:
    """A server that holds databases of scopes.

    `door` is the builder's way in, to a database that is there whatever scopes there are. `base` is
    what the names of scopes' databases begin with, `endpoint` what its passwords go by.
    """

    door: ConnectionTarget
    base: str
    endpoint: Endpoint


@dataclass(frozen=True)
class Databases:
    """The builder's ways to the warehouse and to the servers of the scopes' databases.

    `installation` marks what Casebook makes. `passwords` are those of builder, publisher and
    rendering logins, `logins` those of the readers. The roles and databases of scopes are made by
    whoever publishes.
    """

    warehouse: ConnectionTarget
    reporting: ReportingServer
    own_servers: Mapping[str, ReportingServer]
    installation: str
    passwords: PasswordFile
    logins: PasswordFile

    def server_of(self, scope: str) -> ReportingServer:
        """Return the server that a scope's database belongs on."""
        return self.own_servers.get(scope, self.reporting)

    @property
    def servers(self) -> list[ReportingServer]:
        """Every server of scopes' databases once."""
        found = {one.endpoint: one for one in (*self.own_servers.values(), self.reporting)}
        return list(found.values())


def open_databases(settings: Settings, console: Console) -> Databases:
    """Make the warehouse ready, starting the embedded server when it is needed.

    Raises ConfigurationError for a malformed URL or an unusable home; DatabaseError when a server
    cannot be reached, refuses or is too old.
    """
    targets = locate(settings)
    with (
        usable_home(settings),
        locked(settings.home / "databases.lock", "making the databases ready"),
    ):
        installation = open_warehouse(targets.warehouse, console)
        reporting, *own = [
            ReportingServer(
                open_reporting(target, targets.warehouse),
                target.database,
                server.endpoint if server else target.endpoint,
            )
            for target, server in targets.scope_servers()
        ]
    return Databases(
        warehouse=targets.warehouse,
        reporting=reporting,
        own_servers=dict(zip(targets.own_servers, own, strict=True)),
        installation=installation,
        passwords=server_passwords(settings),
        logins=login_passwords(settings),
    )
