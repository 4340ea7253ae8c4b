"""The two databases: in the embedded server, or on a server that the environment names."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrate.console import Console
from orchestrate.database.commands import (
    ServerStatus,
    psql,
    remove_embedded,
    server_status,
    start,
    stop,
    url,
)
from orchestrate.database.connection import ConnectionTarget
from orchestrate.database.files import locked
from orchestrate.database.given import open_reporting, open_warehouse
from orchestrate.database.passwords import Endpoint, PasswordFile
from orchestrate.database.places import usable_home
from orchestrate.database.server import login_passwords, server_passwords
from orchestrate.database.targets import locate
from orchestrate.settings import Settings

__all__ = [
    "PUBLISHER",
    "ConnectionTarget",
    "Databases",
    "ServerStatus",
    "open_databases",
    "psql",
    "remove_embedded",
    "server_status",
    "start",
    "stop",
    "url",
]

PUBLISHER = "casebook_publisher"


@dataclass(frozen=True)
class Databases:
    """Who connects to which database, and the installation that marks what Casebook makes.

    `warehouse` and `reporting_admin` are the builder's, `publisher` the publisher's on reporting.
    The roles of publisher and readers are made by whoever publishes; their passwords are here.
    """

    warehouse: ConnectionTarget
    reporting_admin: ConnectionTarget
    publisher: ConnectionTarget
    installation: str
    logins: PasswordFile
    # The key of the logins' passwords: the reporting server.
    login_endpoint: Endpoint

    def reader(self, login: str) -> ConnectionTarget:
        """Return how a login connects to the reporting database."""
        return self.reporting_admin.derive(user=login, passfile=str(self.logins.path))

    def login_password(self, login: str) -> str:
        """Return the stored password of a login, or a new one that is stored first."""
        return self.logins.ensure(self.login_endpoint, login)


def open_databases(settings: Settings, console: Console) -> Databases:
    """Make both databases ready, starting the embedded server when it is needed.

    Raises ConfigurationError for a malformed URL, an unusable home or a database that Casebook did
    not make; DatabaseError when a server cannot be reached, refuses or is too old.
    """
    targets = locate(settings)
    passwords = server_passwords(settings)
    with (
        usable_home(settings),
        locked(settings.home / "databases.lock", "making the databases ready"),
    ):
        installation = open_warehouse(targets.warehouse, console)
        open_reporting(targets.reporting, targets.warehouse, installation)
        passwords.ensure(targets.reporting_endpoint, PUBLISHER)
    return Databases(
        warehouse=targets.warehouse,
        reporting_admin=targets.reporting,
        publisher=targets.reporting.derive(user=PUBLISHER, passfile=str(passwords.path)),
        installation=installation,
        logins=login_passwords(settings),
        login_endpoint=targets.reporting_endpoint,
    )
