"""Which server holds which database, from the settings alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrate.database.bootstrap import BUILDER, WAREHOUSE
from orchestrate.database.connection import ConnectionTarget, parse_url
from orchestrate.database.server import RunningServer, ensure_running, server_passwords
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
    embedded: RunningServer | None

    @property
    def embedded_reporting(self) -> RunningServer | None:
        """The embedded server, where it holds the scopes' databases that have no server of theirs.

        Its passwords go by its own endpoint.
        """
        return self.embedded if self.reporting.endpoint == self.warehouse.endpoint else None


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
