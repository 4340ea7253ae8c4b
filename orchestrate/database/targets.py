"""Which server holds which database, from the settings alone."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrate.database.bootstrap import BUILDER, WAREHOUSE
from orchestrate.database.connection import ConnectionTarget, parse_url
from orchestrate.database.passwords import Endpoint
from orchestrate.database.server import RunningServer, ensure_running, server_passwords
from orchestrate.settings import Settings

REPORTING = "reporting"
WAREHOUSE_VARIABLE = "CASEBOOK_DATABASE_URL"
REPORTING_VARIABLE = "CASEBOOK_REPORTING_URL"


@dataclass(frozen=True)
class Targets:
    """The builder's way to both databases, and the embedded server where it holds them."""

    warehouse: ConnectionTarget
    warehouse_server: RunningServer | None
    reporting: ConnectionTarget
    reporting_server: RunningServer | None

    @property
    def reporting_endpoint(self) -> Endpoint:
        """The key of passwords on the reporting server."""
        server = self.reporting_server
        return server.endpoint if server else self.reporting.endpoint


def locate(settings: Settings) -> Targets:
    """Find both databases; the embedded server is started when it holds one of them.

    Raises ConfigurationError for a malformed URL, and what starting the server raises.
    """
    given_warehouse = _parse(settings.database_url, WAREHOUSE_VARIABLE)
    given_reporting = _parse(settings.reporting_url, REPORTING_VARIABLE)
    server = None
    if given_warehouse:
        warehouse = given_warehouse
    else:
        server = ensure_running(settings)
        warehouse = server.target(server_passwords(settings), BUILDER, WAREHOUSE)
    return Targets(
        warehouse=warehouse,
        warehouse_server=server,
        reporting=given_reporting or warehouse.derive(dbname=REPORTING),
        reporting_server=None if given_reporting else server,
    )


def _parse(url: str | None, variable: str) -> ConnectionTarget | None:
    return parse_url(url, variable) if url else None
