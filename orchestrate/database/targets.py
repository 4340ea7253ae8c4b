"""Which server holds which database, from the settings alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrate.database.bootstrap import BUILDER, WAREHOUSE
from orchestrate.database.connection import ConnectionTarget, parse_url
from orchestrate.database.postmaster import Postmaster
from orchestrate.database.server import ensure_running, server_passwords
from orchestrate.settings import (
    REPORTING_VARIABLE,
    WAREHOUSE_VARIABLE,
    Settings,
    scope_variable,
)

REPORTING = "reporting"


@dataclass(frozen=True)
class Targets:
    """The builder's ways to the servers, and the embedded server where it holds databases.

    The database of `reporting`, and of each scope's in `own_servers`, is what the names of scopes'
    databases on that server begin with; it need not exist.
    """

    warehouse: ConnectionTarget
    reporting: ConnectionTarget
    own_servers: Mapping[str, ConnectionTarget]
    embedded: Postmaster | None

    def scope_servers(self) -> list[tuple[ConnectionTarget, Postmaster | None]]:
        """Return the servers of scopes' databases, that of `reporting` first.

        With the embedded server where it is that one, whose passwords go by its own endpoint.
        """
        is_embedded = self.reporting.endpoint == self.warehouse.endpoint
        return [
            (self.reporting, self.embedded if is_embedded else None),
            *((target, None) for target in self.own_servers.values()),
        ]


def locate(settings: Settings) -> Targets:
    """Find all servers; the embedded one is started when it holds a database.

    Raises ConfigurationError for a malformed URL, and what starting the server raises.
    """
    warehouse = _parse(settings.database_url, WAREHOUSE_VARIABLE)
    reporting = _parse(settings.reporting_url, REPORTING_VARIABLE)
    own_servers = {
        scope: parse_url(url, scope_variable(scope)) for scope, url in settings.scope_urls.items()
    }
    server = None
    if warehouse is None:
        server = ensure_running(settings)
        warehouse = server.target(server_passwords(settings), BUILDER, WAREHOUSE)
    return Targets(
        warehouse=warehouse,
        reporting=reporting or warehouse.derive(dbname=REPORTING),
        own_servers=own_servers,
        embedded=server,
    )


def _parse(url: str | None, variable: str) -> ConnectionTarget | None:
    return parse_url(url, variable) if url else None
